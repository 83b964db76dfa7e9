"""What the pictures say, that they can be read, and that the same data draws the same bytes."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from training.pictures import (
    COLOURS,
    DARK,
    LIGHT,
    Bar,
    Line,
    Panel,
    bar_chart,
    histogram,
    line_chart,
    number,
    percent,
)

SVG = "{http://www.w3.org/2000/svg}"
numbers = some.floats(allow_nan=True, allow_infinity=True, width=32)
counts = some.floats(0, 1e9)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", [LIGHT, DARK])
@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_stands_out_from_both_grounds(colour: str, ground: str) -> None:
    """3:1 is what WCAG 2.1 asks of graphics (1.4.11)."""
    low, high = sorted((luminance(colour), luminance(ground)))
    assert (high + 0.05) / (low + 0.05) >= 3


def test_a_bar_is_as_long_as_its_value_and_says_it() -> None:
    """Both end at the scale's ends: 100 of 200 is half as long as 200 of 200."""
    root = ElementTree.fromstring(
        bar_chart("Pairs", [Bar("C", (50, 50), note="half"), Bar("Go", (200, 0))], parts=("a", "b"))
    )
    bars = [each for each in root.iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]
    widths = [float(each.attrib["width"]) + 1 for each in bars]
    assert [each.findtext(f"{SVG}title") for each in bars] == ["C a 50", "C b 50", "Go a 200"]
    assert widths == pytest.approx([widths[2] / 4, widths[2] / 4, widths[2]], abs=0.2)
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert {"Pairs", "a", "b", "C", "Go", "100", "half", "200"} <= set(texts)


def test_a_bar_may_say_another_value_than_its_length() -> None:
    drawn = bar_chart("Left", [Bar("syntax", (90, 10), value=90)])
    texts = [each.text for each in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert "90" in texts


def test_the_picture_is_told_to_those_who_do_not_see_it() -> None:
    root = ElementTree.fromstring(bar_chart("Pairs", [Bar("C", (0.5,))], as_text=percent))
    said = {each.attrib["id"]: each.text for each in root if "id" in each.attrib}
    named = root.attrib["aria-labelledby"].split()
    assert root.attrib["role"] == "img"
    assert [said[name] for name in named] == ["Pairs", "C 50 %"]


def test_a_line_breaks_where_there_is_no_number() -> None:
    points = ((0.0, 0.1), (0.25, 0.2), (0.5, math.nan), (0.75, 0.3), (1.0, 0.4))
    drawn = line_chart("Accuracy", [Line("all", points, tuple((y, y) for _, y in points))])
    strokes = re.findall(r'stroke-width="2"[^>]* d="([^"]+)"', drawn)
    assert [path.count("L") for path in strokes] == [1, 1]
    assert "all: from 0.1 at 0 to 0.4 at 1" in drawn


def test_names_at_the_ends_of_lines_do_not_lie_upon_one_another() -> None:
    lines = [Line(f"line {at}", ((0.0, 0.0), (1.0, 1.0 - at / 1000))) for at in range(8)]
    root = ElementTree.fromstring(line_chart("Eight", lines))
    heights = sorted(
        float(each.attrib["y"])
        for each in root.iter(f"{SVG}text")
        if (each.text or "").startswith("line")
    )
    assert min(b - a for a, b in pairwise(heights)) >= 15


def test_a_histogram_wants_a_count_for_every_bin() -> None:
    with pytest.raises(ValueError, match="2 counts for 3 bins"):
        histogram("Lengths", [Panel("all", (("chosen", (1, 2)),))], (0, 1, 2, 3))


@pytest.mark.parametrize("drawn", [bar_chart("T", []), line_chart("T", []), histogram("T", [], ())])
def test_a_picture_of_nothing_says_so(drawn: str) -> None:
    assert "Nothing to show." in drawn


@settings(max_examples=60, deadline=None)
@example("", [("", 5e-324, 0.0)], [(0.0, 5e-324)])  # a scale of no width was divided by
@given(
    some.text(max_size=30),
    some.lists(some.tuples(some.text(max_size=80), counts, counts), max_size=6),
    some.lists(some.tuples(numbers, numbers), max_size=6),
)
def test_whatever_is_drawn_is_well_formed_and_the_same_again(
    title: str, rows: list[tuple[str, float, float]], points: list[tuple[float, float]]
) -> None:
    def draw() -> list[str]:
        return [
            bar_chart(title, [Bar(label, (a, b), (a, b), label) for label, a, b in rows]),
            line_chart(title, [Line(title, tuple(points), tuple(points))], diagonal=title),
            histogram(
                title, [Panel(title, ((title, tuple(b for *_, b in rows)),))], range(len(rows) + 1)
            ),
        ]

    drawn = draw()
    assert drawn == draw()
    for picture in drawn:
        ElementTree.fromstring(picture)
        assert not re.search(r'(?:[dxy]|width)="[^"]*(?:nan|inf|e\d)', picture.split("<rect", 1)[1])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12345.0, "12,345"), (0.6249, "0.625"), (0.5, "0.5"), (99999.7, "100,000")],
)
def test_numbers_are_written_for_readers(value: float, text: str) -> None:
    assert number(value) == text


def test_percentages_have_a_decimal_only_where_it_says_something() -> None:
    assert (percent(0.5), percent(0.8049)) == ("50 %", "80.5 %")
