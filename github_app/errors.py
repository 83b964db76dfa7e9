"""What can go wrong, below ThemisError. Messages hold neither tokens nor keys.

ThemisError
├── GitHubError     GitHub refused or could not be had; drawn below
├── InboxError      a delivery could not be kept
├── PayloadError    a delivery is not as GitHub documents it
├── LeftAloneError  a pull request cannot be reviewed, now or later
└── StoppedError    a review was told to stop
"""

from __future__ import annotations

from review_core.errors import ThemisError


class GitHubError(ThemisError):
    """GitHub refused or could not be had.

    GitHubError
    ├── MissingError      404, 410: it is not there, or we may not see it
    ├── ForbiddenError    401, 403: the installation does not allow it
    ├── InvalidError      422: GitHub does not accept what we wrote
    └── UnavailableError  no answer, 5xx or a rate limit that outlasted the retries: try later
    """


class MissingError(GitHubError):
    """It is not there, or we may not see it."""


class ForbiddenError(GitHubError):
    """The installation does not allow it."""


class InvalidError(GitHubError):
    """GitHub does not accept what we wrote."""


class UnavailableError(GitHubError):
    """GitHub could not be had; the same request may succeed later.

    retry_after: seconds after which GitHub said it might; None if it did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PayloadError(ThemisError):
    """A delivery is not as GitHub documents it. Delivered again, it would be no better."""


class LeftAloneError(ThemisError):
    """A pull request cannot be reviewed, and trying again would not help: said in its check."""


class StoppedError(ThemisError):
    """We were told to stop: the review is wanted no more, or not now."""
