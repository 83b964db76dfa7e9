"""All checks, in the order in which one would mend what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from github_app.doctor.check import Check, tried
from github_app.doctor.machine import clock_skew, data_folder, database, git, secret_files
from github_app.doctor.site import AppView, at_github

if TYPE_CHECKING:
    import httpx

    from github_app.settings import Settings


def examine(
    settings: Settings,
    connect: Callable[[], AppView],
    *,
    clock: Callable[[], float],
    verify_model: Callable[[], str],
    transport: httpx.BaseTransport | None = None,
) -> Iterator[Check]:
    """All of them.

    :param connect: makes the client; raises where the key is none.
    :param clock: seconds since 1970.
    :param verify_model: loads the model and says what it is.
    :param transport: in place of the network, for tests.
    """
    yield secret_files(settings)
    yield clock_skew(settings, clock, transport)
    github, check = tried("private key", connect, lambda _: "it is an RSA key")
    yield check
    if github is not None:
        with closing(github):
            yield from at_github(settings, github, transport)
    yield database(settings)
    yield data_folder(settings.data_folder)
    yield git()
    yield tried("model", verify_model, str)[1]
