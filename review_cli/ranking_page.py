"""Shows a Comparison in the terminal: groups for each axis, then each candidate on all axes."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from review_core.alternatives import AxisOrder, Comparison, TradeOff
from review_core.findings import percent
from review_core.renderers.view import counted, model_name, visible
from review_core.types import Axis

_FEW = 12
"""Functions and things left out that are listed one by one."""


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print a comparison."""
    ascii_only = console.options.ascii_only
    for line in _lines(comparison, *(("v", "^", ".") if ascii_only else ("▼", "▲", "·"))):
        console.print(line, soft_wrap=True)


def _lines(comparison: Comparison, worse: str, better: str, unsure: str) -> Iterator[Text]:
    names = [visible(name) for name in comparison.candidates]
    count = counted(len(comparison.functions), "function")
    yield Text("themis rank ", "bold").append(f"{names[0]} against {', '.join(names[1:])}", "")
    if comparison.functions:
        yield Text()
        for order in comparison.orders:
            yield from _order(order, names)
        yield Text()
        yield from _against(comparison, names, worse, better, unsure)
        yield Text()
        yield from _best(comparison, names)
    else:
        yield Text()
        yield Text("no function that could be compared differs from the base")
    yield Text()
    yield from _remarks(comparison)
    line = Text(f" {unsure} ").join([Text(count), Text(f"model {model_name(comparison.bundle)}")])
    line.stylize("bold")
    yield line


def _order(order: AxisOrder, names: list[str]) -> Iterator[Text]:
    title = Text(" + ".join(order.axes), "bold cyan")
    if len(order.groups) == 1:
        yield title.append("  all tie", "not bold dim")
        return
    yield title
    for number, group in enumerate(order.groups, 1):
        yield Text(f"  {number}  ", "dim").append(", ".join(names[at] for at in group), "not dim")


def _against(
    comparison: Comparison, names: list[str], worse: str, better: str, unsure: str
) -> Iterator[Text]:
    """A row a candidate: what it is against the base."""
    titles = [" + ".join(order.axes) for order in comparison.orders]
    width = max(len(name) for name in (*names[1:], "against the base")) + 4
    yield Text("against the base".ljust(width) + "  ".join(titles), "dim")
    for at, name in enumerate(names[1:], 1):
        row = Text(f"  {name}".ljust(width))
        for order, title in zip(comparison.orders, titles, strict=True):
            counts = order.counts[at]
            cell = Text(unsure, "dim")
            if counts.better or counts.worse:
                cell = Text()
                if counts.better:
                    told = _chance(comparison, order.axes[0], at, is_better=True)
                    cell.append(f"{better} {told or counts.better} ", "green")
                if counts.worse:
                    told = _chance(comparison, order.axes[0], at, is_better=False)
                    cell.append(f"{worse} {told or counts.worse}", "bold red")
            cell.append(" " * max(len(title) + 2 - len(cell), 1))
            row.append_text(cell)
        row.rstrip()
        yield row
    what = "in how many functions" if len(comparison.functions) > 1 else "how probably"
    legend = f"{better} likely better   {worse} likely worse ({what})   {unsure} cannot tell"
    yield Text(legend, "dim")


def _chance(comparison: Comparison, axis: Axis, at: int, *, is_better: bool) -> str | None:
    """The probability, where there is one function to speak of."""
    if len(comparison.functions) > 1:
        return None
    (function,) = comparison.functions
    ranked = next(each for each in function.ranking.axes if each.axis is axis)
    pair = (at, 0) if is_better else (0, at)
    if at not in ranked.against_first or pair not in ranked.better or pair[::-1] in ranked.better:
        return None
    preference = ranked.against_first[at]
    return percent(preference if is_better else 1 - preference)


def _best(comparison: Comparison, names: list[str]) -> Iterator[Text]:
    best = [name for name, each in zip(names, comparison.trade_offs, strict=True) if each.is_best]
    if best:
        yield Text("best: ", "bold green").append(", ".join(best), "not bold")
        yield Text("  raises an axis, lowers none, and nothing here is better on all", "dim")
    else:
        yield Text("no candidate is better than the base on some axis and worse on none", "bold")
    for name, each in list(zip(names, comparison.trade_offs, strict=True))[1:]:
        if not each.is_best and (said := _said(each, names)):
            yield Text(f"  {name} {said}", "dim")


def _said(trade_off: TradeOff, names: list[str]) -> str:
    parts = []
    if trade_off.raises:
        parts.append(f"raises {', '.join(trade_off.raises)}")
    if trade_off.lowers:
        parts.append(f"lowers {', '.join(trade_off.lowers)}")
    if trade_off.beaten_by:
        parts.append(f"is beaten by {', '.join(names[at] for at in trade_off.beaten_by)}")
    return ", ".join(parts)


def _remarks(comparison: Comparison) -> Iterator[Text]:
    remarks = [
        f"{comparison.candidates[at]}: {function.base.name}: {note}"
        for function in comparison.functions
        for at, note in function.notes.items()
    ]
    remarks += [
        f"{each.candidate}: {each.what}: {each.reason}"
        for each in comparison.left_out
        if each.reason != "not a language Themis reads"
    ]
    for remark in remarks[:_FEW]:
        yield Text("note      ", "yellow").append(visible(remark), "")
    if len(remarks) > _FEW:
        yield Text(f"          and {len(remarks) - _FEW} more; --format json lists them", "dim")
    if remarks:
        yield Text()
