"""Who we are to GitHub: the app by a signed token, an installation by one that lasts an hour.

What is secret stays out of every repr; nothing here logs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from review_core.errors import ConfigurationError

Permissions = Mapping[str, str]

REVIEWING: Permissions = {
    "checks": "write",
    "contents": "read",
    "metadata": "read",
    "pull_requests": "write",
}
"""What a review needs; comments below a pull request go by pull_requests, too."""

CLONING: Permissions = {"contents": "read", "metadata": "read"}
LISTING: Permissions = {"metadata": "read"}
SCANNING: Permissions = {"metadata": "read", "security_events": "write"}
RESOLVING: Permissions = {"contents": "write", "metadata": "read", "pull_requests": "write"}
"""GitHub lets nobody resolve a conversation who may not write contents:
https://github.com/orgs/community/discussions/44650.
"""

_SKEW = 60
"""Seconds that GitHub's clock may be behind ours."""

_LIFE = 540
"""Seconds from now that a signed token is good for; together with `_SKEW`, GitHub's ten minutes."""

_MARGIN = 300
"""Seconds before its end from which an installation's token is not used for anything new."""


@dataclass(frozen=True, slots=True)
class AppKey:
    """The app's id (or client id) and its private key, PEM."""

    app: str
    private_key: str = field(repr=False)


class AppSigner:
    """Signs in as the app: RS256, for ten minutes at most."""

    def __init__(self, key: AppKey, clock: Callable[[], float]) -> None:
        """Read the key.

        :raises ConfigurationError: where it is none.
        """
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            loaded = load_pem_private_key(key.private_key.encode(), password=None)
        except (ValueError, TypeError) as error:  # what it says may quote the key
            raise ConfigurationError(_NO_KEY.format(type(error).__name__)) from None
        if not isinstance(loaded, RSAPrivateKey):
            raise ConfigurationError(_NO_KEY.format("of another kind"))
        self._app, self._key, self._clock = key.app, loaded, clock

    def token(self) -> str:
        """A fresh one: signing costs a millisecond, and none is left to expire."""
        import jwt

        now = int(self._clock())
        claims = {"iat": now - _SKEW, "exp": now + _LIFE, "iss": self._app}
        return jwt.encode(claims, self._key, algorithm="RS256")


_NO_KEY = "the app's private key is not an RSA key in PEM ({}); make a new one on the app's page"


class Credential(Protocol):
    """What a request is signed with."""

    def header(self) -> str:
        """The value of Authorization."""

    def renewed(self) -> bool:
        """Drop what GitHub no longer takes; False if there is nothing better to be had."""


class AppCredential:
    """The app itself."""

    def __init__(self, signer: AppSigner) -> None:
        self._signer = signer

    def header(self) -> str:
        """A signed token."""
        return f"Bearer {self._signer.token()}"

    def renewed(self) -> bool:
        """A fresh one was sent already."""
        return False


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token may do, and where. repository: None for all that the installation has."""

    installation: int
    repository: int | None
    permissions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    expires: float


class Tokens:
    """Tokens of installations, kept until shortly before they expire. For several threads."""

    def __init__(self, make: Callable[[Scope], Mapping[str, Any]], clock: Callable[[], float]):
        """Make tokens with `make`: GitHub's answer to a request for one."""
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Scope, _Token] = {}

    def get(self, scope: Scope) -> str:
        """A token that lasts for some minutes at least.

        :raises GitHubError: where GitHub gives none.
        """
        with self._lock:
            now = self._clock()
            token = self._known.get(scope)
            if token is None or token.expires - _MARGIN <= now:
                answer = self._make(scope)
                expires = datetime.fromisoformat(answer["expires_at"]).timestamp()
                token = _Token(answer["token"], expires)
                self._known = {
                    each: kept for each, kept in self._known.items() if kept.expires > now
                }
                self._known[scope] = token
            return token.value

    def forget(self, scope: Scope, value: str) -> None:
        """GitHub refused it; another thread may have made a new one since."""
        with self._lock:
            token = self._known.get(scope)
            if token is not None and token.value == value:
                del self._known[scope]


class InstallationCredential:
    """An installation, for one request."""

    def __init__(self, tokens: Tokens, scope: Scope) -> None:
        self._tokens = tokens
        self._scope = scope
        self._sent: str | None = None

    def header(self) -> str:
        """A token of the scope."""
        self._sent = self._tokens.get(self._scope)
        return f"Bearer {self._sent}"

    def renewed(self) -> bool:
        """Have a new one made next time."""
        if self._sent is not None:
            self._tokens.forget(self._scope, self._sent)
        return True


def scope(installation: int, repository: int | None, permissions: Permissions) -> Scope:
    """A scope that can be a key."""
    return Scope(installation, repository, tuple(sorted(permissions.items())))
