"""A value that never shows itself: not printed, formatted, logged, pickled or written as JSON."""

from __future__ import annotations

import hmac
from typing import NoReturn

_SHOWN = "(secret)"


class Secret:
    """Text that only `reveal` gives out. Two secrets are compared in constant time."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The text itself: for a signature or a connection, never for a message."""
        return self.__value

    def __repr__(self) -> str:
        return _SHOWN

    def __format__(self, _specification: str) -> str:
        return _SHOWN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
        return hash(self.__value)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __reduce__(self) -> NoReturn:
        """Queues and other processes must not get it by accident."""
        raise TypeError("a secret is not pickled or copied; each process reads its own settings")
