"""The log of a run: a JSON line a step, the same for TensorBoard, and a line on stderr now and
then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

STEPS = "log.jsonl"
MEASURED = "evaluations.jsonl"


class RunLog:
    """Appends to the log in a folder, from step `first` on: what an interrupted run had logged
    since its last save is about to happen again, and is taken out.
    """

    def __init__(self, out: Path, first: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        out.mkdir(parents=True, exist_ok=True)
        for name in (STEPS, MEASURED):
            _rewind(out / name, first)
        self._steps = (out / STEPS).open("a", encoding="utf-8")
        self._measured = (out / MEASURED).open("a", encoding="utf-8")
        self._board: Any = SummaryWriter(out / "tensorboard", purge_step=first or None)

    def step(self, step: int, figures: Mapping[str, float]) -> None:
        """Log a step of training."""
        self._steps.write(json.dumps({"step": step, **figures}) + "\n")
        self._steps.flush()
        self._show("fit", step, figures)

    def measured(self, step: int, figures: Mapping[str, Any]) -> None:
        """Log figures on held-out pairs after `step` steps."""
        self._measured.write(json.dumps({"step": step, **figures}) + "\n")
        self._measured.flush()
        self._show("held out", step, figures)

    def _show(self, group: str, step: int, figures: Mapping[str, Any]) -> None:
        for name, value in figures.items():
            if isinstance(value, (int, float)):
                self._board.add_scalar(f"{group}/{name}", value, step)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._steps.close()
        self._measured.close()
        self._board.close()


def read_log(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a log; a line cut short by a kill is left out."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return entries


def _rewind(path: Path, first: int) -> None:
    kept = [entry for entry in read_log(path) if entry["step"] < first]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")
