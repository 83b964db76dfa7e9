"""Finds a checkpoint: a folder of this machine, or a repository of the Hugging Face hub, which is
downloaded into the hub's own cache. Reads none of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from review_core.errors import InputError

_REPOSITORY = re.compile(r"(?P<owner>\w[\w.-]*)/(?P<name>\w[\w.-]*)(?:@(?P<revision>[\w./-]+))?")
_WANTED = (
    "*.safetensors",  # and no pickled weights
    "model.safetensors.index.json",
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "themis.json",
    "MODEL_CARD.md",
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a checkpoint lies, the model's name, and what to record as its origin: a folder's name,
    or repository and commit.
    """

    path: Path
    name: str
    origin: str


def find_checkpoint(named: str) -> Source:
    """The checkpoint called `named`: a folder, or `owner/name[@revision]` on the hub.

    A folder comes first. The hub is the one of HF_ENDPOINT, its cache that of HF_HOME and a token
    that of HF_TOKEN, as huggingface_hub has them; progress goes to stderr.

    :raises InputError: if there is no such folder or repository, it may not be read, or the hub
        cannot be reached and the cache does not hold it.
    """
    folder = Path(named)
    if folder.is_dir():
        name = folder.resolve().name
        return Source(folder, name, name)
    match = _REPOSITORY.fullmatch(named)
    if match is None:
        raise InputError(f"{named} is no folder, and no hub repository (owner/name[@revision])")
    repository = f"{match['owner']}/{match['name']}"
    path = _download(repository, match["revision"], named)
    if not any(path.glob("*.safetensors")):
        raise InputError(
            f"{named} publishes no *.safetensors, and weights of other formats may run code; "
            "convert it with save_pretrained and name the folder"
        )
    return Source(path, match["name"], f"{repository}@{path.name}")  # snapshots are named by commit


def _download(repository: str, revision: str | None, named: str) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    hub = constants.ENDPOINT
    missing = f"{named} is neither a folder here nor a repository of {hub}"
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(_WANTED)))
    except GatedRepoError as error:
        raise InputError(
            f"{named} is gated: ask for access at {hub}/{repository}, then set HF_TOKEN"
        ) from error
    except RepositoryNotFoundError as error:
        raise InputError(f"{missing}; if it is private, set HF_TOKEN") from error
    except RevisionNotFoundError as error:
        raise InputError(
            f"{repository} has no revision {revision} at {hub}; name a branch, tag or commit"
        ) from error
    except LocalEntryNotFoundError as error:
        raise InputError(
            f"{named} is no folder here, and {hub} cannot be reached nor is a copy in the cache; "
            "go online, set HF_ENDPOINT, or name a folder"
        ) from error
    except (HfHubHTTPError, OSError) as error:  # of a file, after the repository was found
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{named} could not be downloaded from {hub} ({reason}); try again"
        ) from error
