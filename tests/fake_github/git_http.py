"""git over HTTP, by git's own `git http-backend`: real packs, partial clones, no fake of git."""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fake_github.exchange import Answer
from fake_github.world import Repository, World


def may_read(world: World, repository: Repository, headers: Mapping[str, str]) -> tuple[bool, str]:
    """Whether the request's token may read contents, and whose it is; public ones are free."""
    token = _password(headers.get("authorization", ""))
    known = next((t for t in world.tokens if t.token == token), None)
    if known is None or known.expires_at <= world.now():
        return token is None and not repository.private, ""
    installation = world.installations[known.installation]
    allowed = (
        repository.id in known.repositories
        and repository.id in world.visible(installation)
        and installation.suspended_at is None
        and "contents" in known.permissions
    )
    return allowed, str(known.installation)


def _password(authorization: str) -> str | None:
    """The token of `Basic base64(x-access-token:TOKEN)`; None where there is no such header."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None if not authorization else ""
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if user == "x-access-token" else ""


def serve(
    folder: str, rest: str, method: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[Answer, bytes]:
    """Run the CGI program for one repository. rest: what follows `owner/name.git`."""
    bare = Path(folder)
    variables = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PROJECT_ROOT": str(bare.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{bare.name}{rest}",
        "REQUEST_METHOD": method,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
    }
    process = subprocess.run(
        ["git", "http-backend"], input=body, env=variables, capture_output=True, check=False
    )
    head, _, content = process.stdout.partition(b"\r\n\r\n")
    fields = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    status = int(fields.pop("status", "200").split()[0]) if process.returncode == 0 else 500
    kind = fields.pop("content-type", "text/plain")
    return Answer(status, content_type=kind, headers=fields), content
