"""changed_functions: what a change touches, each piece beside what it was."""

from __future__ import annotations

import pytest
from code_samples import SAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from review_core.diff import hunks
from review_core.languages import LANGUAGES, Language, language_named
from review_core.pairing import LIKE_ENOUGH, changed_functions, similarity
from review_core.types import ChangedFunction, FileChange, LineRange


def language(name: str) -> Language:
    known = language_named(name)
    assert known is not None
    return known


def changed(base: str | None, head: str | None, name: str = "Python") -> list[ChangedFunction]:
    return list(changed_functions(FileChange("a", base, head), language(name)))


def names(changes: list[ChangedFunction]) -> list[tuple[str | None, str | None]]:
    return [
        (each.base.name if each.base else None, each.head.name if each.head else None)
        for each in changes
    ]


ADD = """\
def add(cart, price):
    total = cart.total
    if price < 0:
        raise ValueError(price)
    cart.total = total + price
    return cart
"""
SHOW = """\
def show(cart):
    for item in cart:
        print(item.name, item.price)
"""
CLEAR = """\
def clear(cart, *, keep):
    cart.items = [item for item in cart.items if item in keep]
"""


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def test_a_changed_line_changes_its_function_and_no_other() -> None:
    base = f"{ADD}\n\n{SHOW}"
    [change] = changed(base, base.replace("item.price", "item.cost"))
    assert (change.name, change.language, change.path) == ("show", "Python", "a")
    assert [(hunk.base_start, hunk.head_start) for hunk in change.hunks] == [(11, 11)]


@pytest.mark.parametrize("name", [each.name for each in LANGUAGES])
def test_the_same_file_has_no_changed_function(name: str) -> None:
    text = SAMPLES[name]
    assert changed(text, text, name) == []
    assert changed(text, text.replace("\n", "\r\n"), name) == []


@pytest.mark.parametrize("name", [each.name for each in LANGUAGES])
def test_a_new_file_is_all_new_and_a_deleted_one_all_gone(name: str) -> None:
    text = SAMPLES[name]
    new, gone = changed(None, text, name), changed(text, None, name)
    assert all(each.base is None and each.hunks for each in new)
    assert all(each.head is None and each.hunks for each in gone)
    assert [each.head for each in new] == [each.base for each in gone]
    assert len(new) > 2


def test_a_new_and_a_deleted_function_have_no_other_side() -> None:
    assert names(changed(f"{ADD}\n{SHOW}", f"{SHOW}\n{CLEAR}")) == [("add", None), (None, "clear")]


def test_a_moved_function_is_not_scored() -> None:
    assert changed(f"{ADD}\n\n{SHOW}\n\n{CLEAR}", f"{CLEAR}\n\n{ADD}\n\n{SHOW}") == []


def test_a_function_moved_into_a_class_unchanged_is_not_scored() -> None:
    base = f"{ADD}\n\nclass Cart:\n{indented(SHOW)}"
    head = f"class Cart:\n{indented(SHOW)}\n{indented(ADD)}"
    assert changed(base, head) == []


def test_a_method_moved_to_another_class_and_changed_is_paired_by_its_name() -> None:
    base = f"class A:\n{indented(ADD)}\nclass B:\n{indented(SHOW)}"
    moved = indented(ADD).replace("if price < 0:", "if price <= 0 or not cart:")
    head = f"class A:\n    pass\n\nclass B:\n{indented(SHOW)}\n{moved}"
    assert ("A.add", "B.add") in names(changed(base, head))


def test_a_renamed_function_is_not_new() -> None:
    head = ADD.replace("def add", "def insert").replace("return cart", "return cart.total")
    [change] = changed(f"{SHOW}\n{ADD}", f"{head}\n{SHOW}")
    assert names([change]) == [("add", "insert")]


def test_functions_that_only_look_alike_are_not_paired() -> None:
    """11 pairs of neighbours each, ends included; two around each differing name: 7 / 11."""
    base = "def width(self):\n    return self.a\n"
    head = "def height(self):\n    return self.b\n"
    assert similarity(base, head) == pytest.approx(7 / 11)
    assert similarity(base, head) < LIKE_ENOUGH
    assert names(changed(base, head)) == [("width", None), (None, "height")]


def test_similarity_counts_common_pairs_of_tokens() -> None:
    """^a ab bc c$ and ^a ab bd d$: two of four pairs are common, so 2 * 2 / (4 + 4) = .5."""
    assert similarity("a b c", "a b d") == 0.5
    assert similarity("a b c", "a  b\nc") == 1.0
    assert similarity("a", "b") == 0.0


def test_overloads_are_paired_with_what_they_were() -> None:
    overload = "  int f({type} a) {{\n    return {value};\n  }}\n"
    small = overload.format(type="int", value="a + 1")
    large = overload.format(type="long", value="(int) a")
    text = overload.format(type="String", value="a.length()")
    base = "class A {\n" + small + large + "}\n"
    head = "class A {\n" + text + large.replace("(int) a", "(int) a + 2") + small + "}\n"
    pairs = changed(base, head, "Java")
    assert names(pairs) == [(None, "A.f"), ("A.f", "A.f")]
    assert pairs[1].base and "long a" in pairs[1].base.text
    assert pairs[1].head and "long a" in pairs[1].head.text


def test_a_function_that_became_a_lambda_is_the_same_function() -> None:
    base = "function half(x) {\n  return x / 2;\n}\n"
    head = "const half = (x) => {\n  return x / 2;\n};\n"
    assert names(changed(base, head, "JavaScript")) == [("half", "half")]


def test_a_rewritten_function_keeps_its_other_side_whatever_its_kind() -> None:
    base = "function half(x) {\n  return x / 2;\n}\n"
    head = "const half = memo(async ({ size }) => await api.divide(size, TWO));\n"
    assert similarity(base, head) < 0.3
    assert names(changed(base, head, "JavaScript")) == [("half", "half")]


def test_a_class_is_no_function_however_alike() -> None:
    base = "class total(cart):\n    price = cart.price\n    count = cart.count\n"
    assert names(changed(base, base.replace("class", "def"))) == [("total", None), (None, "total")]


def test_a_class_body_changes_with_its_fields_not_with_its_methods() -> None:
    base = f"class Cart:\n    count = 0\n\n{indented(ADD)}"
    assert names(changed(base, base.replace("count = 0", "count = 1"))) == [("Cart", "Cart")]
    new_method = f"{base}\n\n{indented(SHOW)}"
    assert names(changed(base, new_method)) == [(None, "Cart.show")]


def test_a_method_put_between_two_fields_leaves_the_class_body_alone() -> None:
    base = "class Cart:\n    count = 0\n    total = 0\n"
    head = f"class Cart:\n    count = 0\n\n{indented(SHOW)}\n    total = 0\n"
    assert names(changed(base, head)) == [(None, "Cart.show")]


def test_module_statements_are_one_piece() -> None:
    base = f"import os\n\n{ADD}\n\nLIMIT = 1\n"
    [change] = changed(base, base.replace("LIMIT = 1", "LIMIT = 2").replace("os", "re"))
    assert change.name == "<module>"
    assert len(change.hunks) == 2


def test_a_pure_deletion_and_a_pure_insertion_touch_their_function() -> None:
    shorter = ADD.replace("    if price < 0:\n        raise ValueError(price)\n", "")
    [deletion], [insertion] = changed(ADD, shorter), changed(shorter, ADD)
    assert [hunk.head_count for hunk in deletion.hunks] == [0]
    assert [hunk.base_count for hunk in insertion.hunks] == [0]


def test_a_function_has_only_the_hunks_that_touch_it() -> None:
    base = f"{ADD}\n\n{SHOW}\n\n{CLEAR}"
    head = base.replace("price < 0", "price <= 0").replace("item in keep", "item not in keep")
    assert [(each.name, len(each.hunks)) for each in changed(base, head)] == [
        ("add", 1),
        ("clear", 1),
    ]


def test_what_is_put_in_right_above_a_function_does_not_touch_it() -> None:
    head = "LIMIT = 1\n" + ADD.replace("price < 0", "price < LIMIT")
    assert [(each.name, len(each.hunks)) for each in changed(ADD, head)] == [
        ("<module>", 1),
        ("add", 1),
    ]


SPEC = """\
describe("Cart", () => {
  it("adds a price.", () => {
    const cart = new Cart();
    cart.add(3);
    expect(cart.total).toBe(3);
  });

  it("forgets. All of it", () => {
    cart.clear();
    render(cart, { empty: true, at: now() });
  });
});
"""


def test_an_edited_case_is_all_of_its_file_that_changed() -> None:
    found = changed(SPEC, SPEC.replace("cart.add(3)", "cart.add(2 + 1)"), "JavaScript")
    assert names(found) == [("Cart > adds a price.", "Cart > adds a price.")]


def test_a_renamed_case_is_found_by_what_it_says() -> None:
    found = changed(SPEC, SPEC.replace("adds a price.", "sums up"), "TypeScript")
    assert names(found) == [("Cart > adds a price.", "Cart > sums up")]


def test_a_case_moved_to_another_group_and_edited_is_the_same() -> None:
    head = SPEC.replace('"Cart"', '"Basket"').replace("new Cart()", "open(new Basket(), 5)")
    assert names(changed(SPEC, head, "JavaScript")) == [
        ("Cart", "Basket"),
        ("Cart > adds a price.", "Basket > adds a price."),
    ]


def test_the_dots_of_a_title_do_not_make_a_name_of_its_end() -> None:
    base = 'describe("A", () => {\n  it("adds a.", () => {\n    a.b(c);\n  });\n});\n'
    head = base.replace("adds a.", "shows d.").replace("a.b(c)", "x = y + z / 2")
    assert names(changed(base, head, "JavaScript")) == [
        ("A > adds a.", None),
        (None, "A > shows d."),
    ]


def test_a_comment_parted_from_its_function_changes_neither() -> None:
    base = f"x = 1\n# Adds.\n{ADD}"
    assert names(changed(base, f"x = 1\n# Adds.\n\n{ADD}")) == []


def test_blank_lines_alone_change_nothing() -> None:
    assert changed(ADD, ADD.replace("\n", "\n\n")) == []


def test_other_indentation_of_a_whole_function_is_no_change() -> None:
    assert changed(f"if x:\n{indented(ADD)}", f"if x:\n{indented(indented(ADD))}") == []


def test_pieces_come_in_the_order_of_head_and_gone_ones_where_they_were() -> None:
    base = f"{ADD}\n\n{SHOW}\n\n{CLEAR}"
    head = f"{ADD}\n\n{CLEAR}".replace("price < 0", "price < 1").replace("in keep", "in  keep")
    assert [each.name for each in changed(base, head)] == ["add", "show", "clear"]


def test_a_gone_function_keeps_its_place_when_lines_are_added_above() -> None:
    base = f"{ADD}\n\n{SHOW}\n\n{CLEAR}"
    new = "def new(cart):\n" + "    cart.renew()\n" * 20
    head = f"{new}\n\n{ADD}\n\n{CLEAR}".replace("price < 0", "price < 1").replace(
        "in keep", "in cart"
    )
    assert [each.name for each in changed(base, head)] == ["new", "add", "show", "clear"]


def test_hundreds_of_rewritten_functions_are_paired() -> None:
    """300 renamed among 300 kept: 90,000 comparisons, but for the index of common tokens."""
    kept = "".join(f"def kept_{n}(a):\n    return a + {n}\n\n" for n in range(300))
    base = kept + "".join(
        f"def old_{n}(a, b):\n    step_{n} = a.find(b, {n})\n    return step_{n} * {n}\n\n"
        for n in range(300)
    )
    head = kept + base[len(kept) :].replace("old_", "new_")
    pairs = names(changed(base, head))
    assert pairs == [(f"old_{n}", f"new_{n}") for n in range(300)]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_each_piece_is_named_once_and_all_that_changed_is_there(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["Python", "Java", "JavaScript", "C", "Ruby", "Go"]))
    lines = SAMPLES[name].split("\n")
    base = "\n".join(data.draw(st.lists(st.sampled_from(lines), max_size=20)))
    head = "\n".join(data.draw(st.lists(st.sampled_from(lines), max_size=20)))
    found = changed(base, head, name)
    for side in ("base", "head"):
        taken = [line for each in found for line in _lines(getattr(each, side))]
        assert len(taken) == len(set(taken))
    for each in found:
        assert each.hunks and set(each.hunks) <= set(hunks(base, head))
        assert each.base is None or each.head is None or each.base.text != each.head.text


def _lines(piece: object) -> list[int]:
    spans: tuple[LineRange, ...] = getattr(piece, "spans", ())
    return [line for span in spans for line in range(span.start, span.end + 1)]
