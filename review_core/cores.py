"""How many processor cores this process may use: containers and batch systems allow fewer than the
machine has, and more threads than that take turns and wait for one another.
"""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

_CONTROL_GROUP = Path("/sys/fs/cgroup")


def usable_cores(control_group: Path = _CONTROL_GROUP) -> int:
    """At least 1: the least of the cores that the process may run on and the time it is granted.

    Two hardware threads of one core count as one where the system says which are.

    :param control_group: where Linux tells a container its limits (cgroup v2, then v1).
    """
    return max(1, min(_allowed(), _granted(control_group)))


def _allowed() -> int:
    try:
        processors = os.sched_getaffinity(0)
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1
    return len({_siblings(each) for each in processors})


def _siblings(processor: int) -> str:
    path = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return str(processor)


def _granted(control_group: Path) -> int:
    """Cores' worth of time; as many as one likes where nothing is said."""
    unlimited = os.cpu_count() or 1
    try:
        quota, period = (control_group / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        try:
            quota, period = (
                (control_group / "cpu" / name).read_text(encoding="ascii").strip()
                for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            )
        except OSError:
            return unlimited
    if not quota.isdigit() or not period.isdigit() or period == "0":  # "max", or -1
        return unlimited
    return ceil(int(quota) / int(period))
