"""Shows Suggestions in the terminal: what is kept and why, what is not and why, and the diff."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from review_core.findings import percent
from review_core.renderers.suggestions import unified_diff
from review_core.renderers.view import counted, visible
from review_core.suggestions import Suggestion, Suggestions
from review_core.types import Verdict

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_suggestions(suggestions: Suggestions, console: Console, *, applied: bool) -> None:
    """Print them. applied: whether what is kept was written."""
    better = "^" if console.options.ascii_only else "▲"
    for line in _lines(suggestions, better, applied):
        console.print(line, soft_wrap=True)


def _lines(suggestions: Suggestions, better: str, applied: bool) -> Iterator[Text]:
    kept = [each for each in suggestions.all if each.reason is None]
    refused = [each for each in suggestions.all if each.reason is not None]
    for each in kept:
        yield Text("keep  ", "bold green").append(_where(each), "not bold")
        for function in each.functions:
            for score in function.scores.values():
                if score.verdict is Verdict.BETTER:
                    name = visible(function.function.name)
                    told = f"{score.axis} {percent(score.preference)}"
                    yield Text(f"      {better} {name}: {told}", "green")
    for each in refused:
        yield Text("drop  ", "yellow").append(_where(each), "not bold")
        yield Text(f"      {visible(each.reason or '')}", "dim")
    if suggestions.all:
        yield Text()
    for line in unified_diff(suggestions).split("\n")[:-1]:
        yield Text(visible(line.removesuffix("\r")), _STYLES.get(line[:1], ""))
    if suggestions.files:
        yield Text()
    files = counted(len(suggestions.files), "file")
    said = f"{len(kept)} kept, {len(refused)} not"
    if not kept:
        yield Text(f"{said}; nothing to change", "bold")
    elif applied:
        yield Text(f"{said}; {files} written", "bold")
    else:
        yield Text(f"{said}; {files} would change, --apply writes them", "bold")


def _where(suggestion: Suggestion) -> str:
    names = [visible(each.function.name) for each in suggestion.functions]
    where = ", ".join(map(visible, suggestion.paths))
    which = f" {', '.join(names)}" if names else ""
    return f"{where}{which}  ({visible(suggestion.source)})".strip()
