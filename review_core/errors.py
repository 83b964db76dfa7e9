"""The errors a user can meet, each with its remedy in the message.

Raised where the fact is known, caught at the edge.

    ThemisError
    ├── InputError              a repository, revision, patch, path or pair file cannot be read
    │   └── NoRepositoryError   a folder is in no git repository
    ├── ConfigurationError      a configuration file or setting is not valid
    └── BundleError             a model bundle is missing, incomplete, corrupted or too new
        └── RuntimeMissingError onnxruntime is not installed
"""

from __future__ import annotations


class ThemisError(Exception):
    """Base of every error that is the input's fault, not ours; its text is one line that names the
    remedy.
    """


class InputError(ThemisError):
    """A repository, revision, patch, path or record file cannot be read."""


class NoRepositoryError(InputError):
    """A folder is in no git repository: for a command a mistake, for an editor not."""


class ConfigurationError(ThemisError):
    """A configuration file or a setting is not valid."""


class BundleError(ThemisError):
    """A model bundle is missing, incomplete, corrupted or of a newer format."""


class RuntimeMissingError(BundleError):
    """The bundle is fine but onnxruntime is not installed."""
