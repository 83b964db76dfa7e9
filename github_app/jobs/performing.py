"""What a worker does with a task, as the queue sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from github_app.types import Task

# Asked often, while code is read and scored: True means give up soon, without posting more. The
# task is performed again from the beginning, unless what came in meanwhile made it pointless.
Stop = Callable[[], bool]


class Perform(Protocol):
    """Does one task. The same task may come twice, also after half of it was done.

    Tasks of one pull request never run at the same time, but they may come out of order: it looks
    at GitHub as it is now before it writes. A RerunTask never comes: the queue makes review tasks
    of it.
    """

    def __call__(self, task: Task, stop: Stop) -> None:
        """Do it.

        :raises UnavailableError: try again later; so does StoreError.
        :raises ThemisError: any other: it will not work; kept as a dead letter with this reason.
        """
