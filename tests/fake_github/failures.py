"""Failures on demand: what goes wrong, with which requests, how often."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(slots=True)
class Failure:
    """One thing that goes wrong, `times` times, after `skip` requests that it lets through.

    method: a regular expression, as `path` is, which is searched in the path below the API's
    address: /repos/..., /owner/name.git/... for git, /graphql; operation: one for the query there.
    kind: status (an answer of that status), reset (the connection is reset), hang (no answer for
    `seconds`, then the connection is reset).
    after: what was asked is done first; only the answer is lost.
    """

    method: str
    path: str
    kind: str = "status"
    status: int = 502
    times: int = 1
    skip: int = 0
    after: bool = False
    message: str = "Server Error"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 30.0
    operation: str = ""
    hit: int = 0

    def meets(self, method: str, path: str, body: bytes) -> bool:
        """Whether this request fails; counts."""
        if self.times <= 0:
            return False
        if not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        if self.operation and not re.search(self.operation, body.decode("utf-8", "replace")):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.hit += 1
        return True

    @property
    def name(self) -> str:
        """For the log."""
        what = str(self.status) if self.kind == "status" else self.kind
        return f"{what} after the write" if self.after else what
