"""Draws bar charts, line charts and histograms as self-contained SVG texts.

No scripts, fonts or files to load; the same data gives the same bytes. A picture brings its own
ground, light or dark as the reader prefers; nothing in it is said by colour alone, and its title
and description say it to those who do not see it. What is drawn is counted elsewhere.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

COLOURS = ("#2f7fd1", "#c2681b", "#2a9461", "#a263d6", "#d1495b", "#8a7a1f", "#188f9c", "#77808a")
"""Told apart at 3:1 or better from both grounds (tested), and mostly from one another without
colour vision; more series start again.
"""

LIGHT, DARK = "#ffffff", "#0d1117"
"""The two grounds."""

_STYLE = (
    "<style>"
    f".tp-ground{{fill:{LIGHT}}}.tp-text{{fill:#1f2328}}.tp-faint{{fill:#59636e}}"
    ".tp-grid{stroke:#d1d9e0;fill:none}.tp-mark{stroke:#1f2328;fill:none}"
    "@media (prefers-color-scheme:dark){"
    f".tp-ground{{fill:{DARK}}}.tp-text{{fill:#f0f6fc}}.tp-faint{{fill:#9198a1}}"
    ".tp-grid{stroke:#3d444d;fill:none}.tp-mark{stroke:#f0f6fc;fill:none}}"
    "</style>"
)
_WIDTH = 720.0
_TITLE, _TEXT, _ROW = 16.0, 12.0, 22.0
_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif"
_DASHES = ("", "7 3", "2 3", "9 3 2 3")
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar chart.

    parts: lie end to end, none negative. interval: low and high of the whole. note: stands after
    the value. value: what is written, where it is not the whole.
    """

    label: str
    parts: tuple[float, ...]
    interval: tuple[float, float] | None = None
    note: str = ""
    value: float | None = None

    @property
    def written(self) -> float:
        """The value that stands beside the bar."""
        return sum(self.parts) if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a line chart. band: low and high at each point, or empty."""

    name: str
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """One histogram of several that share their edges: a name and counts a bin, for each series."""

    title: str
    series: tuple[tuple[str, tuple[float, ...]], ...]


def number(value: float) -> str:
    """Whole numbers with thousands apart, others with three digits that count."""
    if abs(value - round(value)) < 1e-9 or abs(value) >= 1000:
        return f"{round(value):,}"
    text = f"{value:.3g}"
    return text if "e" in text else f"{float(text):g}"


def percent(value: float) -> str:
    """A share as a percentage."""
    text = f"{100 * value:.1f}"
    return f"{text.removesuffix('.0')} %"


def bar_chart(
    title: str,
    bars: Sequence[Bar],
    *,
    parts: Sequence[str] = (),
    x_label: str = "",
    limit: float | None = None,
    mark: tuple[float, str] | None = None,
    as_text: Callable[[float], str] = number,
) -> str:
    """Horizontal bars, one a row, in the order given.

    :param parts: names of the parts of every bar, for the key above them.
    :param limit: where the scale ends; the greatest bar or interval otherwise.
    :param mark: a value drawn as a line through all bars, and its name.
    :param as_text: how values are written.
    """
    bars = [replace(bar, parts=tuple(map(_finite, bar.parts))) for bar in bars]
    values = [f"{as_text(bar.written)} {bar.note}".rstrip() for bar in bars]
    left = min(260.0, 26 + max((_breadth(bar.label) for bar in bars), default=0))
    right = min(240.0, 30 + max(map(_breadth, values), default=0))
    greatest = max(
        [sum(bar.parts) for bar in bars] + [(b.interval or (0, 0))[1] for b in bars] + [0]
    )
    scale = _Scale.over(0.0, limit or greatest or 1.0, left, _WIDTH - right, exact=limit)
    page = _Page(
        title, _described(bar.label + " " + text for bar, text in zip(bars, values, strict=True))
    )
    if not bars:
        return page.nothing()
    page.key(parts)
    top = page.y + (16 if mark else 4)
    foot = top + _ROW * len(bars)
    page.grid(scale, top, foot, as_text, x_label)
    for row, bar in enumerate(bars):
        page.bar(bar, parts, scale, top + _ROW * row, as_text)
    if mark:
        x = scale(mark[0])
        page.dashes(f"M{_n(x)} {_n(top - 4)}V{_n(foot)}")
        page.text(x, top - 8, f"{mark[1]} {as_text(mark[0])}", anchor="middle", faint=True)
    return page.finished(foot + (42 if x_label else 26))


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x_label: str = "",
    y_label: str = "",
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    diagonal: str = "",
    mark: tuple[float, str] | None = None,
    x_text: Callable[[float], str] = number,
    y_text: Callable[[float], str] = number,
) -> str:
    """Lines over a common plane, each named at its end, with the band about it shaded.

    Points that are not finite break their line. Ranges follow the data where they are not given.

    :param diagonal: names the line y = x, which is drawn where it is given (reliability diagrams).
    :param mark: a height drawn across the plane, and its name.
    """
    spread = [y for line in lines for _, y in line.points]
    spread += [y for line in lines for ends in line.band for y in ends]
    x_low, x_high = x_range or _extent([x for line in lines for x, _ in line.points])
    y_low, y_high = y_range or _extent([*spread, *((mark[0],) if mark else ())])
    names = [line.name for line in lines if line.points]
    page = _Page(title, _described(_line_said(line, x_text, y_text) for line in lines))
    if not names:
        return page.nothing()
    top = page.y + (22 if y_label else 8)
    foot, left = top + 300, 72.0
    right = _WIDTH - min(240.0, 40 + max(map(_breadth, names), default=0))
    across = _Scale.over(x_low, x_high, left, right, exact=x_high if x_range else None)
    up = _Scale.over(y_low, y_high, foot, top, exact=y_high if y_range else None)
    page.grid(across, top, foot, x_text, x_label)
    page.levels(up, left, right, y_text, y_label)
    if diagonal:
        low, high = max(across.low, up.low), min(across.high, up.high)
        page.dashes(f"M{_n(across(low))} {_n(up(low))}L{_n(across(high))} {_n(up(high))}")
        early = low + (high - low) / 8
        page.text(across(early) + 14, up(early) + 6, diagonal, faint=True)
    if mark:
        page.dashes(f"M{_n(left)} {_n(up(mark[0]))}H{_n(right)}")
        page.text(left + 6, up(mark[0]) - 5, f"{mark[1]} {y_text(mark[0])}", faint=True)
    for place, line in enumerate(lines):
        page.line(line, place, across, up)
    page.ends(lines, right, up)
    return page.finished(foot + (42 if x_label else 26))


def histogram(
    title: str,
    panels: Sequence[Panel],
    edges: Sequence[float],
    *,
    x_label: str = "",
    x_text: Callable[[float], str] = number,
) -> str:
    """Histograms below one another over the same bins, drawn equally wide whatever they span; each
    panel has its own height scale. The first series is filled, the others are outlines.

    :param edges: of the bins, one more than there are counts.
    :raises ValueError: if a series has another number of counts.
    """
    bins = len(edges) - 1
    for panel in panels:
        for name, counts in panel.series:
            if len(counts) != bins:
                raise ValueError(f"{name} has {len(counts)} counts for {bins} bins")
    names = list(dict.fromkeys(name for panel in panels for name, _ in panel.series))
    page = _Page(title, _described(panel.title for panel in panels))
    if not names:
        return page.nothing()
    page.key(names)
    left, right, height = 64.0, _WIDTH - 32, 84.0 if len(panels) > 1 else 220.0
    top = page.y
    for panel in panels:
        greatest = max([_finite(value) for _, counts in panel.series for value in counts] + [0])
        page.text(left, top + 13, panel.title)
        foot = top + 22 + height
        up = _Scale.over(0.0, greatest or 1.0, foot, top + 22, steps=2)
        page.levels(up, left, right, number, "")
        for name, counts in panel.series:
            page.steps(counts, names.index(name), left, right, up)
        top = foot + 12
    width = (right - left) / max(bins, 1)
    widest = max((_breadth(x_text(edge)) for edge in edges), default=0) + 10
    every = max(1, math.ceil(widest / width))
    for place in range(0, len(edges), every):
        page.text(left + width * place, top + 6, x_text(edges[place]), anchor="middle", faint=True)
    page.text((left + right) / 2, top + 26, x_label, anchor="middle", faint=True)
    return page.finished(top + (38 if x_label else 18))


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to coordinates, with round ticks."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def over(
        cls,
        low: float,
        high: float,
        start: float,
        end: float,
        *,
        exact: float | None = None,
        steps: int = 5,
    ) -> _Scale:
        """Reaches past `high` to the next tick, unless it has to end at `exact`."""
        room = max(abs(low), abs(high)) / 100
        if not high - low >= max(room * 1e-4, _LEAST):  # one value; its neighbours give it a place
            room = room if room > _LEAST else 0.5
            low, high = low - room, low + room
        step = _round_step((high - low) / steps)
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if exact is None:
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            low, high = first * step, last * step
        return cls(low, high, start, end, tuple(step * at for at in range(first, last + 1)))

    def __call__(self, value: float) -> float:
        inside = min(max(_finite(value), self.low), self.high)
        return self.start + (self.end - self.start) * (inside - self.low) / (self.high - self.low)


_LEAST = 1e-290
"""A scale that spans less has steps which floats cannot tell from zero."""


def _round_step(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * by for by in (1, 2, 5, 10) if power * by >= step * (1 - 1e-9))


class _Page:
    """The elements of a picture so far, from the top down; y is where there is room."""

    def __init__(self, title: str, description: str) -> None:
        self.elements: list[str] = []
        self.title, self.description = title, description
        self.y = 14.0 + _TITLE
        self.text(14, self.y, title, size=_TITLE, bold=True)
        self.y += 14

    def draw(self, element: str) -> None:
        self.elements.append(element)

    def dashes(self, d: str) -> None:
        """A thin dashed path: what is there to compare with."""
        self.draw(f'<path class="tp-mark" stroke-dasharray="4 3" d="{d}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        size: float = _TEXT,
        bold: bool = False,
        faint: bool = False,
    ) -> None:
        if text:
            look = f' font-size="{_n(size)}"' if size != _TEXT else ""
            look += ' font-weight="600"' if bold else ""
            look += f' text-anchor="{anchor}"' if anchor != "start" else ""
            kind = "tp-faint" if faint else "tp-text"
            self.draw(f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}"{look}>{_safe(text)}</text>')

    def key(self, names: Sequence[str]) -> None:
        """What the parts or series are called, in their order."""
        if not names:
            return
        x, self.y = 14.0, self.y + 10
        for place, name in enumerate(names):
            breadth = 16 + _breadth(name) + 18
            if x > 14 and x + breadth > _WIDTH:
                x, self.y = 14.0, self.y + 18
            self.draw(
                f'<rect x="{_n(x)}" y="{_n(self.y - 10)}" width="11" height="11" rx="2" '
                f'fill="{_colour(place)}"/>'
            )
            self.text(x + 16, self.y, name)
            x += breadth
        self.y += 14

    def grid(
        self,
        scale: _Scale,
        top: float,
        foot: float,
        as_text: Callable[[float], str],
        label: str,
    ) -> None:
        """Upright lines at the ticks, with their values and what they are below."""
        for tick in scale.ticks:
            x = scale(tick)
            self.draw(f'<path class="tp-grid" d="M{_n(x)} {_n(top)}V{_n(foot)}"/>')
            self.text(x, foot + 16, as_text(tick), anchor="middle", faint=True)
        self.text((scale.start + scale.end) / 2, foot + 34, label, anchor="middle", faint=True)

    def levels(
        self,
        scale: _Scale,
        left: float,
        right: float,
        as_text: Callable[[float], str],
        label: str,
    ) -> None:
        """Level lines at the ticks, with their values at the left and what they are above."""
        for tick in scale.ticks:
            y = scale(tick)
            self.draw(f'<path class="tp-grid" d="M{_n(left)} {_n(y)}H{_n(right)}"/>')
            self.text(left - 8, y + 4, as_text(tick), anchor="end", faint=True)
        self.text(14, scale.end - 12, label, faint=True)

    def bar(
        self,
        bar: Bar,
        parts: Sequence[str],
        scale: _Scale,
        top: float,
        as_text: Callable[[float], str],
    ) -> None:
        middle = top + _ROW / 2
        label = _shortened(bar.label, scale.start - 24)
        self.text(scale.start - 8, middle + 4, label, anchor="end")
        at = 0.0
        for place, part in enumerate(bar.parts):
            start, end = scale(at), scale(at + part)
            at += part
            if end - start < 0.05:
                continue
            said = _safe(" ".join([bar.label, *parts[place : place + 1], as_text(part)]))
            self.draw(
                f'<rect x="{_n(start)}" y="{_n(top + 3)}" width="{_n(max(end - start - 1, 0.5))}" '
                f'height="{_n(_ROW - 6)}" fill="{_colour(place)}"><title>{said}</title></rect>'
            )
        end = scale(at)
        if bar.interval:
            low, high = map(scale, bar.interval)
            end = max(end, high)
            d = f"M{_n(low)} {_n(middle)}H{_n(high)}"
            d += "".join(f"M{_n(x)} {_n(middle - 4)}v8" for x in (low, high))
            self.draw(f'<path class="tp-mark" stroke-width="1.5" d="{d}"/>')
        value = as_text(bar.written)
        self.text(end + 6, middle + 4, value)
        self.text(end + 14 + _breadth(value), middle + 4, bar.note, faint=True)

    def line(self, line: Line, place: int, across: _Scale, up: _Scale) -> None:
        colour = _colour(place)
        for run in _runs(
            [(*point, *ends) for point, ends in zip(line.points, line.band, strict=False)]
        ):
            high = [f"{_n(across(x))} {_n(up(top))}" for x, _, _, top in run]
            low = [f"{_n(across(x))} {_n(up(bottom))}" for x, _, bottom, _ in reversed(run)]
            d = f"M{'L'.join(high + low)}Z"
            self.draw(f'<path fill="{colour}" fill-opacity="0.18" d="{d}"/>')
        dash = f' stroke-dasharray="{_DASHES[place % 4]}"' if place % 4 else ""
        for run in _runs(line.points):
            places = [(across(x), up(y)) for x, y in run]
            d = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in places)
            self.draw(
                f'<path fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"'
                f'{dash} d="{d}"><title>{_safe(line.name)}</title></path>'
            )
            if len(run) <= 24:
                for x, y in places:
                    self.draw(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.5" fill="{colour}"/>')

    def ends(self, lines: Sequence[Line], x: float, up: _Scale) -> None:
        """The lines' names beside their last points, kept from lying upon one another."""
        last = [
            (up(runs[-1][-1][1]), place)
            for place, line in enumerate(lines)
            if (runs := list(_runs(line.points)))
        ]
        y = -math.inf
        spaced = [(y := max(wanted, y + 15), place) for wanted, place in sorted(last)]
        lift = max(0.0, spaced[-1][0] - up.start) if spaced else 0.0
        for y, place in spaced:
            y -= lift
            self.draw(
                f'<rect x="{_n(x + 6)}" y="{_n(y - 1.5)}" width="8" height="3" '
                f'fill="{_colour(place)}"/>'
            )
            self.text(x + 18, y + 4, _shortened(lines[place].name, _WIDTH - x - 22))

    def steps(
        self, counts: Sequence[float], place: int, left: float, right: float, up: _Scale
    ) -> None:
        width = (right - left) / max(len(counts), 1)
        d = f"M{_n(left)} {_n(up(0))}"
        for at, count in enumerate(counts):
            d += f"V{_n(up(count))}H{_n(left + width * (at + 1))}"
        d += f"V{_n(up(0))}"
        look = 'fill-opacity="0.45"' if place == 0 else 'fill="none" stroke-width="2"'
        fill = f'fill="{_colour(place)}"' if place == 0 else f'stroke="{_colour(place)}"'
        self.draw(f'<path {fill} {look} d="{d}"/>')

    def nothing(self) -> str:
        self.text(14, self.y + 10, "Nothing to show.", faint=True)
        return self.finished(self.y + 26)

    def finished(self, height: float) -> str:
        """The whole, this high."""
        name = "tp" + hashlib.sha256("".join(self.elements).encode()).hexdigest()[:10]
        w, h = _n(_WIDTH), _n(height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" '
            f'height="{h}" role="img" aria-labelledby="{name}-t {name}-d" '
            f'font-family="{_FONTS}" font-size="{_n(_TEXT)}">\n'
            f'<title id="{name}-t">{_safe(self.title)}</title>\n'
            f'<desc id="{name}-d">{_safe(self.description)}</desc>\n'
            f'{_STYLE}\n<rect class="tp-ground" width="{w}" height="{h}" rx="6"/>\n'
            + "\n".join(self.elements)
            + "\n</svg>\n"
        )


def _runs(points: Sequence[tuple[float, ...]]) -> Iterator[list[tuple[float, ...]]]:
    """The longest runs of points that are finite."""
    run: list[tuple[float, ...]] = []
    for point in points:
        if all(map(math.isfinite, point)):
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _extent(values: Sequence[float]) -> tuple[float, float]:
    finite = [value for value in values if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else (0.0, 1.0)


def _described(sentences: Iterator[str], most: int = 40) -> str:
    said = [sentence.strip() for sentence in sentences]
    more = [f"and {len(said) - most} more"] if len(said) > most else []
    return "; ".join([*said[:most], *more]) or "Nothing to show"


def _line_said(line: Line, x_text: Callable[[float], str], y_text: Callable[[float], str]) -> str:
    runs = list(_runs(line.points))
    if not runs:
        return f"{line.name}: no points"
    (x, y), (x_end, y_end) = runs[0][0], runs[-1][-1]
    return f"{line.name}: from {y_text(y)} at {x_text(x)} to {y_text(y_end)} at {x_text(x_end)}"


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _breadth(text: str) -> float:
    """About how wide a text is, in pixels."""
    return 0.58 * _TEXT * len(text)


def _shortened(text: str, breadth: float) -> str:
    most = max(4, int(breadth / (0.58 * _TEXT)))
    return text if len(text) <= most else text[: most - 1] + "…"


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _n(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _safe(text: str) -> str:
    return escape(_UNPRINTABLE.sub("\ufffd", text))
