"""Values over a pipe between the server and its worker: a length, then a pickle."""

from __future__ import annotations

import pickle
import struct
from asyncio import IncompleteReadError, StreamReader
from typing import Any, BinaryIO

_LENGTH = struct.Struct("!Q")


def packed(value: Any) -> bytes:
    """A value as a frame."""
    body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def read_frame(stream: BinaryIO) -> Any:
    """The next value of a blocking stream.

    :raises EOFError: at the stream's end.
    """
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(header)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return pickle.loads(body)


async def next_frame(stream: StreamReader) -> Any:
    """The next value of an asynchronous stream.

    :raises EOFError: at the stream's end.
    """
    try:
        (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        return pickle.loads(await stream.readexactly(length))
    except IncompleteReadError:
        raise EOFError from None
