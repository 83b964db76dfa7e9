"""Shows a History in the terminal: a row a commit, a column an axis, then all together."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from review_core.history import History, Tally
from review_core.renderers.view import counted, model_name, visible
from review_core.types import Axis

_HASH = 9
_GAP = 2
_CELL = 7  # "▼12 ▲34"
_NAMES = 50  # below this room for commits, columns get short titles
_SHORT = 7


def print_history(history: History, console: Console) -> None:
    """Print a history, oldest commit first."""
    worse, better, unsure = "v^." if console.options.ascii_only else "▼▲·"

    def cell(tally: Tally | None) -> Text:
        if tally is None or not (tally.worse or tally.better):
            return Text("" if tally is None else unsure, "dim")
        text = Text()
        if tally.worse:
            text.append(f"{worse}{tally.worse}", "red")
        if tally.better:
            text.append(f"{' ' if text else ''}{better}{tally.better}", "green")
        return text

    titles = [" + ".join(column) for column in history.columns]
    if sum(len(title) + _GAP for title in titles) + _NAMES > console.width:
        titles = [_short(column) for column in history.columns]
    room = console.width - sum(max(len(title), _CELL) + _GAP for title in (*titles, "functions"))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    table.add_column("commit", no_wrap=True)
    table.add_column("functions", justify="right", no_wrap=True)
    for title in titles:
        table.add_column(title, no_wrap=True)
    for each in history.commits:
        commit = each.past.commit
        name = Text(f"{commit.hash[:_HASH]} ", "dim")
        name.append(f"{'(merge) ' if each.past.is_merge else ''}{visible(commit.subject)}", "none")
        name.truncate(max(room, _HASH), overflow="ellipsis")
        cells = (cell(each.axes.get(column[0])) for column in history.columns)
        table.add_row(name, str(each.functions) if each.note is None else "-", *cells)
    console.print(Text("themis history ", "bold").append(visible(history.target), "not bold"))
    console.print()
    if history.commits:
        functions = str(sum(each.functions for each in history.commits))
        cells = (cell(history.total(column[0])) for column in history.columns)
        table.add_section()
        table.add_row(Text("all", "bold"), functions, *cells)
        console.print(table)
        console.print()
    for each in history.commits:
        if each.note is not None:
            remark = f"not reviewed: {each.past.commit.hash[:_HASH]}, {visible(each.note)}"
            console.print(Text(remark, "dim"), soft_wrap=True)
    if history.left_out:
        left_out = counted(history.left_out, "older commit")
        console.print(Text(f"{left_out} left out; --limit takes more", "dim"))
    line = f"{counted(len(history.commits), 'commit')} {unsure} model {model_name(history.bundle)}"
    console.print(Text(line, "bold"), soft_wrap=True)


def _short(column: Sequence[Axis]) -> str:
    return "+".join(axis[: 3 if len(column) > 1 else _SHORT] for axis in column)
