"""The process that benchmarks/start.py starts and times: from nothing to two functions scored.

It asks nothing of the benchmarks, so that what it imports is what any program of ours does. On
stdin it reads a JSON list: bundle, code, threads, and the moment (time.monotonic) at which it was
started; on stdout it tells the seconds of each stage and the memory it holds in the end.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path


def main() -> None:
    """Do it."""
    moments = [time.monotonic()]
    from review_core.bundle import load_bundle
    from review_core.engine import Engine
    from review_core.scorer import Scorer

    moments.append(time.monotonic())
    path, code, threads, begun = json.loads(sys.stdin.read())
    bundle = load_bundle(Path(path))
    moments.append(time.monotonic())
    import onnxruntime  # noqa: F401

    moments.append(time.monotonic())
    engine = Engine(bundle, threads=threads)
    moments.append(time.monotonic())
    scorer = Scorer(bundle, engine)
    scorer.rewards([code])
    moments.append(time.monotonic())
    scorer.rewards([f"# another text\n{code}"])
    moments.append(time.monotonic())
    moments.insert(0, begun)
    stages = [after - before for before, after in pairwise(moments)]
    from benchmarks.measuring import resident_bytes

    print(json.dumps([stages, resident_bytes()]))


if __name__ == "__main__":
    main()
