"""Reviews of whole working trees, for editors that show findings of files that are not open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lsp_server.jobs import Context, ReviewWorkspace, WorkspaceReview
from lsp_server.process import JobError
from lsp_server.reviews import Runner

log = logging.getLogger(__name__)

_PAUSE = 1.0
"""Seconds to wait for more: a change of branches touches thousands of files at once."""


@dataclass(slots=True)
class _Folder:
    task: asyncio.Task[None] | None = None
    review: WorkspaceReview | None = None


@dataclass(slots=True)
class Changes:
    """The latest review of each folder that wants one. All methods belong to one event loop."""

    runner: Runner
    on_review: Callable[[], None]
    _folders: dict[str, _Folder] = field(default_factory=dict)
    _generation: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def reviews(self) -> list[WorkspaceReview]:
        """What is known, a folder each."""
        return [folder.review for folder in self._folders.values() if folder.review is not None]

    @property
    def generation(self) -> int:
        """Grows whenever there is something new to tell."""
        return self._generation

    def review(
        self, uri: str, context: Context, buffers: Callable[[], tuple[tuple[Path, str], ...]]
    ) -> None:
        """Review a folder anew, in the background, after a pause."""
        folder = self._folders.setdefault(uri, _Folder())
        if folder.task is not None:
            folder.task.cancel()
        folder.task = asyncio.create_task(self._review(folder, context, buffers))

    def forget(self, uri: str) -> None:
        """The folder is gone, or does not want to be reviewed any more."""
        folder = self._folders.pop(uri, None)
        if folder is not None:
            if folder.task is not None:
                folder.task.cancel()
            self.announce()

    def stop(self) -> None:
        """Nothing is wanted any more."""
        for uri in list(self._folders):
            self.forget(uri)

    def announce(self) -> None:
        """There is something new to tell."""
        self._generation += 1
        self._news.set()
        self._news = asyncio.Event()
        self.on_review()

    async def newer_than(self, generation: int | None) -> int:
        """The generation, once it is another one and no review is under way."""
        while self._generation == generation:
            await self._news.wait()
        while tasks := self._under_way():
            await asyncio.wait(tasks)
        return self._generation

    def _under_way(self) -> set[asyncio.Task[None]]:
        tasks = (folder.task for folder in self._folders.values())
        return {task for task in tasks if task is not None and not task.done()}

    async def _review(
        self,
        folder: _Folder,
        context: Context,
        buffers: Callable[[], tuple[tuple[Path, str], ...]],
    ) -> None:
        await asyncio.sleep(_PAUSE)
        try:
            review = await self.runner.run(ReviewWorkspace(context, buffers()), urgent=False)
            folder.review = review if isinstance(review, WorkspaceReview) else None
        except JobError as error:
            log.info("folder not reviewed", extra={"reason": str(error)})
            folder.review = None
        except Exception:  # a fault of ours; documents are still reviewed
            log.exception("folder not reviewed")
            folder.review = None
        folder.task = None
        self.announce()
