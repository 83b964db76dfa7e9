"""functions_of: the pieces of a file, in every language, with syntax errors and in any size."""

from __future__ import annotations

import pytest
from code_samples import ENDLESS, PIECES, SAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from review_core.definitions import DEFINITIONS
from review_core.functions import MODULE_NAME, functions_of
from review_core.languages import LANGUAGES, Language, language_named
from review_core.types import Function, FunctionKind

NAMES = [language.name for language in LANGUAGES]


def language(name: str) -> Language:
    known = language_named(name)
    assert known is not None
    return known


def pieces(text: str, name: str) -> list[Function]:
    return list(functions_of(text, language(name)))


def names(text: str, name: str) -> list[str]:
    return [piece.name for piece in pieces(text, name)]


def one(text: str, name: str, function: str) -> Function:
    [found] = [piece for piece in pieces(text, name) if piece.name == function]
    return found


def assert_lines_are_shared_out(text: str, name: str) -> None:
    """Each line that is not blank belongs to one piece, whose text is its lines."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    owned: list[int] = []
    for piece in pieces(text, name):
        parts = []
        for span in piece.spans:
            assert lines[span.start - 1].strip() and lines[span.end - 1].strip()
            parts.append("\n".join(lines[span.start - 1 : span.end]))
            owned += [n for n in range(span.start, span.end + 1) if lines[n - 1].strip()]
        assert piece.text == "\n\n".join(parts)
    assert sorted(owned) == [n for n, line in enumerate(lines, 1) if line.strip()]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_falls_into_the_pieces_a_reader_would_name(name: str) -> None:
    found = [
        (piece.kind.value, piece.name, piece.lines.start, piece.lines.end)
        for piece in pieces(SAMPLES[name], name)
    ]
    assert found == PIECES[name]
    assert [start for _, _, start, _ in found] == sorted(start for _, _, start, _ in found)
    assert not any(piece.has_error for piece in pieces(SAMPLES[name], name))


@pytest.mark.parametrize("name", NAMES)
def test_every_line_belongs_to_exactly_one_piece(name: str) -> None:
    assert_lines_are_shared_out(SAMPLES[name], name)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_lines_are_shared_out_whatever_is_lost_moved_or_left_open(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    lines = SAMPLES[name].split("\n")
    chosen = data.draw(st.lists(st.sampled_from(lines), max_size=25))
    text = "\n".join(chosen)
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.text("{}()[]\"'`\\\n\t #/*é", max_size=4)) + text[at:]
    assert_lines_are_shared_out(text, name)


def test_node_types_are_spelt_as_the_grammars_spell_them() -> None:
    grammars = [each.load_grammar() for each in LANGUAGES]
    known = {
        grammar.node_kind_for_id(kind)
        for grammar in grammars
        for kind in range(grammar.node_kind_count)
    }
    for definitions in DEFINITIONS.values():
        listed = set(definitions.bindings)
        for field in definitions.__dataclass_fields__:
            listed |= set(getattr(definitions, field))
        assert (
            listed - known == {"comment", "line_comment", "block_comment", "html_comment"} - known
        )
    assert set(DEFINITIONS) == set(NAMES)


# --- what belongs together ------------------------------------------------------------------------


def test_decorators_and_the_comment_above_belong_to_the_function() -> None:
    text = "x = 1\n\n# Adds.\n# Twice.\n@a\n@b(\n  1)\ndef f():\n    pass\n"
    assert (one(text, "Python", "f").lines.start, one(text, "Python", "f").lines.end) == (3, 9)


def test_a_comment_after_a_blank_line_or_behind_code_belongs_to_the_rest() -> None:
    text = "# far\n\ny = 2  # behind\ndef f():\n    pass\n"
    assert one(text, "Python", "f").lines.start == 4
    assert one(text, "Python", MODULE_NAME).text == "# far\n\ny = 2  # behind"


def test_a_comment_before_code_on_its_line_does_not_belong_to_the_next_function() -> None:
    text = "/* a */ int x;\nint f() { return x; }\n"
    assert one(text, "C", "f").lines.start == 2


def test_a_text_too_long_for_a_name_names_nothing() -> None:
    text = f"const {{ {'long, ' * 20} }} = (() => {{ function f() {{ }} }})();\n"
    assert names(text, "JavaScript") == ["f"]


def test_a_nested_function_is_part_of_the_outermost() -> None:
    text = "function a() {\n  const b = () => 1;\n  class C { d() {} }\n  return b;\n}\n"
    assert names(text, "JavaScript") == ["a"]


def test_functions_on_one_line_are_one_piece() -> None:
    text = "const a = () => 1, b = () => 2;\nconst c = {\n  d() {\n  }, e() {\n  }\n};\n"
    found = [(piece.name, piece.lines.start, piece.lines.end) for piece in pieces(text, "TSX")]
    assert found == [("a", 1, 1), (MODULE_NAME, 2, 6), ("c.d", 3, 5)]


def test_a_class_body_is_what_its_methods_leave_over() -> None:
    body = one(SAMPLES["Java"], "Java", "Cart")
    assert "total(int start)" not in body.text and "private int count;" in body.text
    assert [(span.start, span.end) for span in body.spans] == [(6, 9), (27, 28)]


def test_overloads_keep_one_name() -> None:
    text = "class A {\n  int f(int a) { return a; }\n  int f(long a) { return 1; }\n}\n"
    assert names(text, "Java") == ["A", "A.f", "A.f"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("C++", "ns::A<B<int>>::operator bool() const { return true; }", "ns.A.operator bool"),
        ("C++", "std::ostream& operator<<(std::ostream& s, A a) { return s; }", "operator<<"),
        ("C++", "bool A::operator()(int a) { return a; }", "A.operator()"),
        ("Go", "package a\nfunc (*Set[K, V]) Add(k K) {}", "Set.Add"),
        ("C#", "class A { public static A operator +(A a, A b) => a; }", "A.operator +"),
        ("C#", "class A { int this[int i] { get { return i; } } }", "A.this"),
        ("C#", "class A { ~A() { } }", "A.~A"),
        ("JavaScript", "a.b = c.d = async () => { };", "a.b"),
        ("JavaScript", "export default function () { }", "default"),
        ("JavaScript", "export default { data() { return 1; } }", "default.data"),
        ("TypeScript", "const f = (function () { }) as Handler;", "f"),
        ("Java", "class A { B b = new B() { void c() { } }; }", "A.b.c"),
        ("Go", "package a\nvar run = &Command{\n\tRun: func() {},\n}", "run.Run"),
        ("Kotlin", "enum class E {\n  A {\n    fun f() {}\n  };\n}", "E.A.f"),
        ("Ruby", "Point = Struct.new(:x) do\n  def y; end\nend", "Point.y"),
    ],
)
def test_a_name_says_where_the_function_is_at_home(name: str, text: str, expected: str) -> None:
    assert expected in names(text, name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("C", "int f(int a);\nstruct s;\n"),
        ("C++", "class A;\nauto a = b;\n"),
        ("Go", 'package a\n\nimport "fmt"\n'),
        ("Java", "import a.b;\n"),
        ("Rust", "mod a;\nuse b;\n"),
        ("Python", "a = 1\nb = [c for c in d]\n"),
    ],
)
def test_declarations_and_plain_statements_are_no_functions(name: str, text: str) -> None:
    assert names(text, name) == [MODULE_NAME]


def test_members_without_a_body_stay_with_their_class() -> None:
    text = "class A {\n  int X { get; set; }\n  abstract void F();\n  int Y => 1;\n}\n"
    assert [(piece.name, piece.kind) for piece in pieces(text, "C#")] == [
        ("A", FunctionKind.CLASS_BODY),
        ("A.Y", FunctionKind.METHOD),
    ]


def test_an_empty_file_has_no_pieces() -> None:
    assert pieces("", "Python") == pieces("\n \n", "Go") == []


def test_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    windows = "\ufeff" + SAMPLES["C#"].replace("\n", "\r\n")
    plain, marked = pieces(SAMPLES["C#"], "C#"), pieces(windows, "C#")
    assert [each.spans for each in marked] == [each.spans for each in plain]
    assert [each.text for each in marked[1:]] == [each.text for each in plain[1:]]


def test_a_doc_comment_on_the_first_line_is_found_after_a_byte_order_mark() -> None:
    assert one("\ufeff# doc\ndef f():\n    pass\n", "Python", "f").lines.start == 1


# --- calls with a title ---------------------------------------------------------------------------

JEST = """\
import { Cart } from "./cart";

// All of the cart.
describe("Cart", () => {
  let cart;
  const make = () => new Cart();

  beforeEach(() => {
    cart = make();
  });

  // Prices are cents.
  it("adds 1.5 euros", async function () {
    cart.on("change", () => {
      seen += 1;
    });
  });

  describe.each([1, 2])("with %d items", (n) => {
    test.only(`keeps ${n}`, () => expect(cart.size).toBe(n), 5000);
  });
});
"""
MOCHA = JEST.replace("() => {", "function () {").replace("let cart;", "let cart: Cart;")
RSPEC = """\
require "cart"

RSpec.describe Cart, type: :model do
  let(:cart) { Cart.new }

  before do
    cart.open
  end

  # Prices are cents.
  it "adds 1.5 euros" do
    within "#cart" do
      click
    end
  end

  context "when empty" do
    specify("costs nothing") { cart.total == 0 }

    def total
      cart.total
    end
  end
end
"""


@pytest.mark.parametrize(
    ("name", "text"), [("JavaScript", JEST), ("TypeScript", MOCHA), ("TSX", JEST)]
)
def test_a_test_file_falls_into_its_cases_and_what_its_groups_leave_over(
    name: str, text: str
) -> None:
    found = [
        (piece.kind, piece.name, [(s.start, s.end) for s in piece.spans])
        for piece in pieces(text, name)
    ]
    assert found == [
        (FunctionKind.MODULE, MODULE_NAME, [(1, 1)]),
        (FunctionKind.CLASS_BODY, "Cart", [(3, 5), (8, 10), (22, 22)]),
        (FunctionKind.LAMBDA, "Cart > make", [(6, 6)]),
        (FunctionKind.LAMBDA, "Cart > adds 1.5 euros", [(12, 17)]),
        (FunctionKind.CLASS_BODY, "Cart > with %d items", [(19, 19), (21, 21)]),
        (FunctionKind.LAMBDA, "Cart > with %d items > keeps ${n}", [(20, 20)]),
    ]
    assert_lines_are_shared_out(text, name)


def test_a_spec_falls_into_its_examples_and_what_its_groups_leave_over() -> None:
    found = [
        (piece.kind, piece.name, [(s.start, s.end) for s in piece.spans])
        for piece in pieces(RSPEC, "Ruby")
    ]
    assert found == [
        (FunctionKind.MODULE, MODULE_NAME, [(1, 1)]),
        (FunctionKind.CLASS_BODY, "Cart", [(3, 8), (24, 24)]),
        (FunctionKind.LAMBDA, "Cart > adds 1.5 euros", [(10, 15)]),
        (FunctionKind.CLASS_BODY, "Cart > when empty", [(17, 17), (23, 23)]),
        (FunctionKind.LAMBDA, "Cart > when empty > costs nothing", [(18, 18)]),
        (FunctionKind.FUNCTION, "Cart > when empty > total", [(20, 22)]),
    ]
    assert_lines_are_shared_out(RSPEC, "Ruby")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_lines_of_a_broken_test_file_are_shared_out(data: st.DataObject) -> None:
    name, text = data.draw(st.sampled_from([("TSX", JEST), ("TypeScript", MOCHA), ("Ruby", RSPEC)]))
    chosen = data.draw(st.lists(st.sampled_from(text.split("\n")), max_size=25))
    assert_lines_are_shared_out("\n".join(chosen), name)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("JavaScript", 'app.get("/x", auth, (req, res) => {});', "app.get /x"),
        ("JavaScript", "$(document).on('click', function () {});", "$(document).on click"),
        ("JavaScript", 'it("a\'s `b`", inject([C], (c) => {}));', "a's `b`"),
        ("JavaScript", f'it("{"long " * 20}", () => {{}});', "long " * 15 + "..."),
        (
            "TypeScript",
            "describe(Cart.name, () => {\n  it('adds', () => {});\n});",
            "Cart.name > adds",
        ),
        ("TypeScript", "test.each`\na\n1\n`('adds $a', ({ a }) => {});", "adds $a"),
        ("JavaScript", 'module.hot.accept("./x", () => {});', "module.hot.accept ./x"),
        (
            "JavaScript",
            'QUnit.module.only("a", () => {\n  QUnit.test("b", () => {});\n});',
            "a > b",
        ),
        ("Ruby", 'get "/x" do\nend', "get /x"),
        ("Ruby", 'class CartTest < Base\n  test "adds" do\n  end\nend', "CartTest > adds"),
    ],
)
def test_a_call_is_named_by_its_title_and_unless_it_is_a_test_by_what_it_calls(
    name: str, text: str, expected: str
) -> None:
    assert expected in names(text, name)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("JavaScript", 'function f() {\n  it("a", () => {});\n}\n', ["f"]),
        ("JavaScript", 'if (x) {\n  it("a", () => {});\n}\n', [MODULE_NAME]),
        ("JavaScript", 'it("a");\nafter(() => {});\nit("", () => {});\n', [MODULE_NAME]),
        ("JavaScript", 'define("a", [], () => {\n  function b() {}\n});\n', [MODULE_NAME, "b"]),
        (
            "JavaScript",
            'ng.module("a").run("b", () => {\n  c("d", () => {});\n});\n',
            ['ng.module("a").run b'],
        ),
        ("JavaScript", "describe(() => {\n  a();\n});\n", [MODULE_NAME]),
        ("Ruby", 'it { a }\nputs "a"\nlet(:a) { 1 }\n', [MODULE_NAME]),
        ("Ruby", 'def f\n  it "a" do\n  end\nend\n', ["f"]),
        ("Kotlin", 'describe("a") {\n  it("b") { }\n}\n', [MODULE_NAME]),
    ],
)
def test_calls_without_a_title_or_inside_functions_are_not_cut_out(
    name: str, text: str, expected: list[str]
) -> None:
    assert names(text, name) == expected


def test_an_error_in_one_case_spares_the_others() -> None:
    text = JEST.replace("seen += 1;", "seen += = 1;")
    assert [piece.name for piece in pieces(text, "TSX") if piece.has_error] == [
        "Cart > adds 1.5 euros"
    ]


# --- syntax errors --------------------------------------------------------------------------------

OPEN_BRACE = """\
{open}int a() {{
  if (x) {{
  return 1;
}}

int b() {{
  return 2;
}}
int c() {{
  return 3 + ;
}}
int d() {{
  return 4;
}}
{close}"""


@pytest.mark.parametrize(
    ("name", "text", "broken", "whole"),
    [
        ("C", OPEN_BRACE.format(open="", close=""), {"a", "c"}, {"b", "d"}),
        (
            "Java",
            OPEN_BRACE.format(open="class A {\n", close="}\n"),
            {"A.a", "A.c"},
            {"A.b", "A.d"},
        ),
        (
            "Go",
            "package p\n" + OPEN_BRACE.format(open="", close="").replace("int", "func"),
            {"a", "c"},
            {"b", "d"},
        ),
        (
            "JavaScript",
            OPEN_BRACE.format(open="", close="").replace("int", "function"),
            {"a", "c"},
            {"b", "d"},
        ),
        (
            "Python",
            "def a():\n    return (1\n\ndef b():\n    return 2\n\n@x\ndef c(:\n    pass\n\n"
            "def d():\n    return 4\n",
            {"a"},
            {"b", "d"},
        ),
        (
            "Ruby",
            "def b\n  2\nend\n\ndef c\n  foo(1, )) + 2\nend\n\ndef d\n  4\nend\n",
            {"c"},
            {"b", "d"},
        ),
    ],
)
def test_a_syntax_error_marks_its_function_and_spares_the_others(
    name: str, text: str, broken: set[str], whole: set[str]
) -> None:
    found = pieces(text, name)
    assert {piece.name for piece in found if piece.has_error} >= broken
    exact = {piece.name: piece for piece in found if not piece.has_error}
    assert set(exact) >= whole
    for last in whole:
        assert exact[last].lines.end - exact[last].lines.start in (1, 2)
    assert_lines_are_shared_out(text, name)


def test_an_error_between_functions_marks_the_rest_of_the_file() -> None:
    text = "def f():\n    pass\n\nx = = 1\n"
    assert one(text, "Python", MODULE_NAME).has_error
    assert not one(text, "Python", "f").has_error


def test_a_missing_semicolon_is_an_error() -> None:
    text = "int x = 1\n\nint f() {\n  return 1;\n}\n"
    assert [(piece.name, piece.has_error) for piece in pieces(text, "C")] == [
        (MODULE_NAME, True),
        ("f", False),
    ]


def test_an_error_in_the_second_function_of_a_line_counts() -> None:
    [piece] = pieces("const a = () => { return 1; }, b = () => { return = 2; };\n", "JavaScript")
    assert (piece.name, piece.has_error) == ("a", True)


def test_the_brace_that_closes_parameters_does_not_end_an_open_function() -> None:
    text = "function a({\n  x,\n}) {\n  if (x) {\n  return 1;\n}\n\nfunction b() {\n  f();\n}\n"
    found = [
        (piece.name, piece.lines.start, piece.lines.end) for piece in pieces(text, "JavaScript")
    ]
    assert found == [("a", 1, 6), ("b", 8, 10)]


def test_an_error_inside_a_class_but_outside_its_methods_marks_the_class() -> None:
    text = "class A {\n  int x = = 1;\n  int f() {\n    return 1;\n  }\n}\n"
    assert one(text, "Java", "A").has_error
    assert not one(text, "Java", "A.f").has_error


# --- size -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Python", "JavaScript", "C", "Ruby"])
def test_nesting_5000_deep_is_no_deeper_than_we_can_go(name: str) -> None:
    deep = "x = " + "(" * 5000 + "1" + ")" * 5000
    function = {"Python": "def f():\n    ", "Ruby": "def f\n"}.get(name, "int f() {\n")
    end = {"Python": "", "Ruby": "end\n"}.get(name, "}\n")
    if name == "JavaScript":
        function = function.replace("int", "function")
    text = f"{deep};\n{function}{deep};\n{end}"
    assert "f" in names(text, name)
    assert_lines_are_shared_out(text, name)


def test_a_file_of_20000_lines_is_cut() -> None:
    block = "class A{0}:\n    x = [1, {{2: 3}}]\n\n    def f(self):\n        return {0}\n"
    text = "".join(block.format(number) for number in range(4000))
    found = pieces(text, "Python")
    assert len(found) == 8000
    assert (found[-1].name, found[-1].lines.end) == ("A3999.f", 20000)


def test_an_annotation_at_the_end_of_a_kotlin_file_is_read_to_its_end() -> None:
    """tree-sitter-kotlin 1.1.0 hangs on it, and cannot be interrupted."""
    assert names("fun f() = 1\n\nval a: Int\n@Cached", "Kotlin") == ["f", MODULE_NAME]


def test_a_text_that_the_parser_would_never_finish_is_one_broken_piece() -> None:
    [piece] = pieces(ENDLESS, "Kotlin")
    assert (piece.name, piece.has_error, piece.lines.end) == (MODULE_NAME, True, 21)


def test_a_macro_between_type_and_name_does_not_hide_the_name() -> None:
    text = "int CJSON_CDECL main(void)\n{\n    return run();\n}\n"
    assert "main" in names(text, "C")
    assert "void" not in names(text, "C")
