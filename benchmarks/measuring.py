"""What work costs: seconds on the clock, processor seconds, memory. Knows nothing of the work."""

from __future__ import annotations

import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Apart: TypeAlias = Callable[..., Any]
"""How a function is run with its arguments: `alone`, or in place where memory is of no interest."""


@dataclass(slots=True)
class Cost:
    """What a block took, known when it is left. Processor seconds depend less on what else runs."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


@contextmanager
def cost() -> Iterator[Cost]:
    """Measure a block, the threads that it starts included."""
    found = Cost()
    clock, processors = time.perf_counter(), time.process_time()
    try:
        yield found
    finally:
        found.seconds = time.perf_counter() - clock
        found.cpu_seconds = time.process_time() - processors


def alone(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """What `work` returns, run in a process of its own, so that its peak of memory is its own."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(work, *given, **named).result()


def peak_bytes() -> int | None:
    """The most memory that this process held at a time; None where the system does not say."""
    return _status("VmHWM")


def resident_bytes() -> int | None:
    """The memory that it holds now; None where the system does not say."""
    return _status("VmRSS")


def _status(field: str) -> int | None:
    # Not getrusage: its peak begins with that of the process that started this one.
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def machine() -> dict[str, Any]:
    """What a result was measured on, as far as it matters to speed."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_average_1_5_15_min": [round(each, 1) for each in os.getloadavg()],
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("onnxruntime", "torch", "transformers")},
    }


def commit() -> str:
    """The commit of this code, with a + where the working tree differs from it."""
    answer = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or "unknown"


def command(module: str) -> str:
    """What was typed; of absolute paths the last part, since the rest says where and not what."""
    given = (Path(each).name if Path(each).is_absolute() else each for each in sys.argv[1:])
    return " ".join(["python", "-m", module, *given])


def _processor() -> str:
    """Its name and the extensions that decide how fast 8- and 16-bit numbers are multiplied."""
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16")
    extensions = [name for name in wanted if name in named.get("flags", "").split()]
    return " ".join([named.get("model name", platform.machine()), *extensions])


def _version(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
