"""Shows a Comparison in the terminal: groups for each axis, then each candidate on all axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from review_core.alternatives import AxisOrder, Comparison, TradeOff
from review_core.findings import percent
from review_core.renderers.view import counted, model_name, visible
from review_core.types import Axis

_FEW = 12
"""Functions and things left out that are listed one by one."""


@dataclass(frozen=True, slots=True)
class _Glyphs:
    worse: str
    better: str
    unsure: str


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print a comparison."""
    ascii_only = console.options.ascii_only
    glyphs = _Glyphs("v", "^", ".") if ascii_only else _Glyphs("▼", "▲", "·")
    for line in _lines(comparison, glyphs, console.width):
        console.print(line, soft_wrap=True)


def _lines(comparison: Comparison, glyphs: _Glyphs, width: int) -> Iterator[Text]:
    names = [visible(name) for name in comparison.candidates]
    count = counted(len(comparison.functions), "function")
    yield Text("themis rank ", "bold").append(f"{names[0]} against {', '.join(names[1:])}", "")
    if comparison.functions:
        yield Text()
        for order in comparison.orders:
            yield from _order(order, names, is_silent=set(order.axes) <= set(comparison.silent))
        yield Text()
        yield from _against(comparison, names, glyphs, width)
        yield Text()
        yield from _best(comparison, names)
    else:
        yield Text()
        yield Text("no function that could be compared differs from the base")
    yield Text()
    yield from _remarks(comparison)
    line = Text(f" {glyphs.unsure} ").join(
        [Text(count), Text(f"model {model_name(comparison.bundle)}")]
    )
    line.stylize("bold")
    yield line


def _order(order: AxisOrder, names: list[str], *, is_silent: bool) -> Iterator[Text]:
    title = Text(" + ".join(order.axes), "bold cyan")
    if is_silent:
        yield title.append("  the model is not precise enough on it to speak", "not bold dim")
        return
    if len(order.groups) == 1:
        yield title.append("  all tie", "not bold dim")
        return
    yield title
    for number, group in enumerate(order.groups, 1):
        yield Text(f"  {number}  ", "dim").append(", ".join(names[at] for at in group), "not dim")


def _against(
    comparison: Comparison, names: list[str], glyphs: _Glyphs, width: int
) -> Iterator[Text]:
    """A row a candidate: what it is against the base. Where that is too wide, a line an axis."""
    orders = [order for order in comparison.orders if not set(order.axes) <= set(comparison.silent)]
    titles = [" + ".join(order.axes) for order in orders]
    first = max(cell_len(name) for name in (*names[1:], "against the base")) + 4
    stacked = first + sum(len(title) + 2 for title in titles) > width
    yield Text("against the base".ljust(first) + ("" if stacked else "  ".join(titles)), "dim")
    for at, name in enumerate(names[1:], 1):
        row = Text(f"  {name}").append(" " * (first - 2 - cell_len(name)))
        cells = [_cell(comparison, order, at, glyphs) for order in orders]
        if stacked:
            yield Text(f"  {name}")
            for title, cell in zip(titles, cells, strict=True):
                if cell.plain != glyphs.unsure:
                    yield Text(f"    {title} ").append_text(cell)
            continue
        for title, cell in zip(titles, cells, strict=True):
            row.append_text(cell).append(" " * max(len(title) + 2 - cell_len(cell.plain), 1))
        row.rstrip()
        yield row
    what = "in how many functions" if len(comparison.functions) > 1 else "how probably"
    better, worse = f"{glyphs.better} likely better", f"{glyphs.worse} likely worse"
    yield Text(f"{better}   {worse} ({what})   {glyphs.unsure} cannot tell", "dim")


def _cell(comparison: Comparison, order: AxisOrder, at: int, glyphs: _Glyphs) -> Text:
    counts = order.counts[at]
    if not counts.better and not counts.worse:
        return Text(glyphs.unsure, "dim")
    cell = Text()
    if counts.better:
        told = _chance(comparison, order.axes[0], at, is_better=True)
        cell.append(f"{glyphs.better} {told or counts.better} ", "green")
    if counts.worse:
        told = _chance(comparison, order.axes[0], at, is_better=False)
        cell.append(f"{glyphs.worse} {told or counts.worse}", "bold red")
    cell.rstrip()
    return cell


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
