"""Writes what a prepared training set holds for people: report.md and its pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from training.criteria import CRITERIA
from training.pictures import Bar, Panel, bar_chart, histogram, number, percent
from training.preparation.funnel import STEPS, Funnel
from training.preparation.settings import PrepareSettings
from training.preparation.statistics import DIRECTIONS, EDGES, Statistics, longer_wins

_MOST_ROWS = 25


def write_report(
    out: Path, funnel: Funnel, sets: Mapping[str, Statistics], settings: PrepareSettings
) -> None:
    """Write report.md and pictures/*.svg into the folder `out`."""
    everything = merged(sets.values())
    pictures = out / "pictures"
    pictures.mkdir(exist_ok=True)
    for name, drawn in _pictures(funnel, everything).items():
        (pictures / f"{name}.svg").write_text(drawn, encoding="utf-8")
    text = "\n".join(_report(funnel, sets, everything, settings))
    (out / "report.md").write_text(text, encoding="utf-8")


def merged(sets: Iterable[Statistics]) -> Statistics:
    """The counts of several sets as of one."""
    whole = Statistics()
    for each in sets:
        whole.pairs += each.pairs
        whole.ties += each.ties
        whole.characters += each.characters
        for name in ("groups", "kinds", "subsets", "licences"):
            getattr(whole, name).update(getattr(each, name))
        for language, counts in each.languages.items():
            whole.languages[language].update(counts)
        for aspect, ways in each.directions.items():
            whole.directions[aspect].update(ways)
        for aspect, lengths in each.lengths.items():
            for way, bins in lengths.items():
                into = whole.lengths[aspect][way]
                into[:] = [a + b for a, b in zip(into, bins, strict=True)]
    return whole


# --- pictures -------------------------------------------------------------------------------------


def _pictures(funnel: Funnel, counted: Statistics) -> dict[str, str]:
    aspects = _aspects(counted)
    return {
        "funnel": _funnel_chart(funnel),
        "languages": bar_chart(
            "Pairs by language and aspect",
            [
                Bar(name, tuple(counted.languages[name][aspect] for aspect in aspects))
                for name in _by_total(counted.languages)
            ],
            parts=[_short(aspect) for aspect in aspects],
            x_label="pairs",
        ),
        "sources": _counted_chart(
            counted.groups, "repository or source", "pairs, those made here left out"
        ),
        "licences": _counted_chart(counted.licences, "licence", "pairs"),
        "lengths": histogram(
            "Length of the chosen side, by which side is longer",
            [_length_panel(counted, aspect) for aspect in aspects if aspect in counted.lengths],
            EDGES,
            x_label="characters of the chosen side",
        ),
    }


def _funnel_chart(funnel: Funnel) -> str:
    bars, left = [Bar("read", (funnel.read, 0))], funnel.read
    for step in STEPS:
        if gone := funnel.at(step):
            left -= gone
            dropped = f"{number(gone)} dropped"
            bars.append(Bar(step.replace("_", " "), (left, gone), note=dropped, value=left))
    return bar_chart(
        "What was left after each filter",
        bars,
        parts=("left", "dropped here"),
        x_label="pairs: what came in, and of it what was dropped",
    )


def _counted_chart(counts: Counter[str], what: str, x_label: str) -> str:
    """The commonest names; what the rest adds up to is said, not drawn beside them."""
    names, total = _by_count(counts), counts.total()
    shown = names[:_MOST_ROWS]
    bars = [Bar(name, (counts[name],), note=percent(counts[name] / total)) for name in shown]
    title = f"Pairs by {what}"
    if rest := names[_MOST_ROWS:]:
        title += f": the {len(shown)} largest of {len(names)}"
        x_label += f"; the others have {number(sum(counts[name] for name in rest))} together"
    return bar_chart(title, bars, x_label=x_label)


def _length_panel(counted: Statistics, aspect: str) -> Panel:
    ways, lengths = counted.directions[aspect], counted.lengths[aspect]
    series = tuple(
        (f"chosen is {way}", tuple(map(float, lengths[way])))
        for way in ("longer", "shorter")
        if way in lengths
    )
    share = longer_wins(ways)
    wins = f"; longer wins {percent(share)}" if share is not None else ""
    return Panel(f"{_short(aspect)}: {number(ways.total())} pairs{wins}", series)


# --- text -----------------------------------------------------------------------------------------


def _report(
    funnel: Funnel,
    sets: Mapping[str, Statistics],
    everything: Statistics,
    settings: PrepareSettings,
) -> Iterable[str]:
    made = {kind: everything.kinds[kind] for kind in ("neutral", "injected")}
    yield "# Prepared training set\n"
    yield (
        f"{number(funnel.read)} records were read and {number(funnel.left)} kept; "
        f"{number(made['neutral'])} neutral ties and {number(made['injected'])} pairs with an "
        "injected bug were made. Settings: `prepare.toml`; all counts: `stats.json`.\n"
    )
    yield "## Sets\n"
    yield from _sets_table(sets, everything, settings)
    yield "\n## What was dropped\n"
    yield "![What was left after each filter](pictures/funnel.svg)\n"
    yield from _funnel_table(funnel)
    yield "\n## Languages and aspects\n"
    yield "![Pairs by language and aspect](pictures/languages.svg)\n"
    yield from _language_table(everything)
    yield "\n## Length\n"
    yield (
        "Whoever always prefers the longer side is right in this share of the pairs; .50 says "
        "nothing, and a share far from it is a shortcut to train against. Ties and injected bugs "
        "are left out.\n"
    )
    yield "![Length of the chosen side](pictures/lengths.svg)\n"
    yield from _length_table(sets, everything)
    yield "\n## Sources and licences\n"
    yield "![Pairs by repository or source](pictures/sources.svg)\n"
    yield "![Pairs by licence](pictures/licences.svg)\n"
    yield from _table(
        ["kind of pair", *sets, "all"],
        [
            [kind, *(each.kinds[kind] for each in sets.values()), everything.kinds[kind]]
            for kind in _by_count(everything.kinds)
        ],
    )
    yield ""


def _sets_table(
    sets: Mapping[str, Statistics], everything: Statistics, settings: PrepareSettings
) -> Iterable[str]:
    aspects = _aspects(everything)
    train = 1 - settings.dev - settings.test
    wanted = {"train": train, "dev": settings.dev, "test": settings.test}
    rows: list[list[object]] = []
    for name, each in sets.items():
        of = [each.aspects[aspect] for aspect in aspects]
        share = percent(_share(each, everything))
        rows.append([name, each.pairs, share, percent(wanted[name]), len(each.groups), *of])
    head = ["set", "pairs", "share", "wanted", "groups", *map(_short, aspects)]
    yield from _table(head, rows)
    off = {name: abs(_share(each, everything) - wanted[name]) for name, each in sets.items()}
    worst = max(off, key=lambda name: off[name])
    if everything.groups and off[worst] > 0.02 and not settings.match_length:
        largest, count = everything.groups.most_common(1)[0]
        yield (
            f"\nThe share of {worst} is not what was wanted: groups stay whole, and the largest, "
            f"{_plain(largest)}, has {number(count)} pairs."
        )


def _share(counted: Statistics, everything: Statistics) -> float:
    return counted.pairs / everything.pairs if everything.pairs else 0.0


def _funnel_table(funnel: Funnel) -> Iterable[str]:
    rows: list[list[object]] = []
    for step in funnel.to_json()["steps"]:
        reasons = list(step["reasons"].items())
        said = "; ".join(f"{number(count)} {_plain(reason)}" for reason, count in reasons[:4])
        said += f"; {len(reasons) - 4} more reasons" if len(reasons) > 4 else ""
        rows.append([STEPS[step["step"]], step["dropped"], step["left"], said])
    yield from _table(["a record that is kept", "dropped", "left", "why"], rows)


def _language_table(counted: Statistics) -> Iterable[str]:
    aspects = _aspects(counted)
    rows: list[list[object]] = [
        [name, *(counts[aspect] for aspect in aspects), counts.total()]
        for name in _by_total(counted.languages)
        for counts in [counted.languages[name]]
    ]
    rows.append(["all", *(counted.aspects[aspect] for aspect in aspects), counted.pairs])
    yield from _table(["language", *map(_short, aspects), "all"], rows)


def _length_table(sets: Mapping[str, Statistics], everything: Statistics) -> Iterable[str]:
    rows: list[list[object]] = []
    for aspect in [*_aspects(everything), "all"]:
        ways = everything.directions[aspect]
        shares = [longer_wins(each.directions[aspect]) for each in (*sets.values(), everything)]
        told = ["" if share is None else f"{share:.3f}".lstrip("0") for share in shares]
        rows.append([_short(aspect), *(ways[way] for way in DIRECTIONS), *told])
    head = ["aspect", *(f"chosen {way}" for way in DIRECTIONS)]
    yield from _table([*head, *(f"longer wins, {name}" for name in (*sets, "all"))], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterable[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        cells = (number(each) if isinstance(each, int) else _plain(str(each)) for each in row)
        yield f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text that a Markdown table takes for nothing else."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _aspects(counted: Statistics) -> list[str]:
    """Those that occur, Themis's in its order first."""
    known = [name for name in CRITERIA if counted.aspects[name]]
    return known + sorted(set(counted.aspects) - set(known))


def _short(aspect: str) -> str:
    between = " + " if aspect == "Readability_Maintainability" else " "
    return aspect.replace("_", between).lower()


def _by_count(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda name: (-counts[name], name))


def _by_total(tables: Mapping[str, Counter[str]]) -> list[str]:
    return sorted(tables, key=lambda name: (-tables[name].total(), name))
