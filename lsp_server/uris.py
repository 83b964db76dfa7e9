"""URIs of an editor as paths, and back. What is not a file has none."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit


def path_of(uri: str) -> Path | None:
    """The file that a URI names; None for untitled, virtual and remote documents."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    path = unquote(parts.path)
    if parts.scheme != "file" or not path:
        return None
    if parts.netloc not in ("", "localhost"):
        path = f"//{parts.netloc}{path}"
    elif sys.platform == "win32":
        path = path.removeprefix("/")  # /c:/folder
    return Path(path)


def uri_of(path: Path) -> str:
    """The URI of an absolute path."""
    return path.as_uri()
