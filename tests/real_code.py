"""Functions of real files, in the languages of which the tools that tests need bring some; of the
others, those of our samples.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from code_samples import SAMPLES

from review_core.functions import functions_of
from review_core.languages import Language, language_named
from review_core.types import FunctionKind

ROOT = Path(__file__).parents[1]
TRAINED = ("C", "C++", "C#", "Go", "Java", "JavaScript", "TypeScript", "TSX", "Python", "Ruby")

_STANDARD = ("textwrap.py", "heapq.py", "shlex.py", "configparser.py", "queue.py", "netrc.py")
_PACKAGES = {
    "C": ("markupsafe/_speedups.c", "websockets/speedups.c"),
    "C++": ("greenlet/greenlet.cpp", "greenlet/TGreenlet.cpp"),
    "JavaScript": ("playwright/driver/package/lib/server/frames.js",),
}


def language(name: str) -> Language:
    """The language, which there is."""
    known = language_named(name)
    assert known is not None
    return known


@cache
def functions(name: str) -> tuple[str, ...]:
    """Functions of 3 to 60 lines without syntax errors."""
    return tuple(
        function.text
        for text in _texts(name)
        for function in functions_of(text, language(name))
        if function.kind in (FunctionKind.FUNCTION, FunctionKind.METHOD)
        and not function.has_error
        and 3 <= function.text.count("\n") + 1 <= 60
    )


def _texts(name: str) -> Iterator[str]:
    yield SAMPLES[name]
    if name == "Python":
        for file in _STANDARD:
            yield (Path(sysconfig.get_path("stdlib")) / file).read_text("utf-8")
    if name == "TypeScript":
        for path in sorted((ROOT / "vscode-extension" / "src").glob("*.ts")):
            yield path.read_text("utf-8")
    for file in _PACKAGES.get(name, ()):
        package, _, rest = file.partition("/")
        found = find_spec(package)
        if found is not None and found.origin is not None:
            path = Path(found.origin).parent / rest
            if path.exists():
                yield path.read_text("utf-8")
