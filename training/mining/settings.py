"""What is mined, and where it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.settings import setting


@dataclass(frozen=True, slots=True)
class MineSettings:
    """The settings of `mine`. Those from `executor` on say where it runs and change no pair."""

    rules: Path | None = setting(
        None, "A TOML file like criteria.toml whose lists add to those that ship."
    )
    evaluation_only: Path | None = setting(
        None,
        "A file of repositories that are never mined, one owner/name a line.  "
        "[default: the list that ships]",
    )
    licences: tuple[str, ...] = setting(
        ("permissive",),
        "SPDX identifiers; `permissive` is every such one we know, `any` asks for none.",
    )
    since: str = setting("", "Changes written on this day or later, YYYY-MM-DD.")
    until: str = setting("", "Changes written before this day, YYYY-MM-DD.")
    languages: tuple[str, ...] = setting((), "Languages by name.  [default: all that Themis reads]")
    companions: Literal["none", "text", "tests"] = setting(
        "text",
        "What a commit may touch beside its one code file: nothing, files that are no code, or "
        "tests as well.",
    )
    tests: bool = setting(False, "Mine changes of test code, too.")
    functions: int = setting(3, "Most changed functions of a commit.")
    max_changed_lines: int = setting(60, "Most lines that a function's hunks hold on both sides.")
    max_file_bytes: int = setting(
        300_000, "Most bytes of a file; larger ones cost most of the time."
    )
    max_characters: int = setting(8000, "Most characters of a side.")
    per_criterion: int = setting(500, "Most pairs of one criterion from one repository.")
    executor: Literal["local", "ray", "slurm"] = setting("local", "Where it runs.")
    workers: int = setting(2, "Repositories that are read at once.")
    tasks: int = setting(0, "Shares that the repositories are dealt into.  [default: 16 a worker]")
    minutes: float = setting(60.0, "Most minutes that git may take for one repository.")
    ray_address: str = setting("", "A Ray cluster.  [default: one of this machine's own]")
    slurm_partition: str = setting("", "The partition that `slurm` asks for.")
    slurm_time: str = setting("24:00:00", "The time limit that `slurm` gives to a share.")
