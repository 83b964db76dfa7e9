"""injected_bugs: one bug a mutant, in code and not in comments, in every language."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from code_samples import SAMPLES

from review_core.comments import same_code
from review_core.languages import LANGUAGES, Language, language_named
from review_core.records import PreferencePair
from review_core.syntax import parse_part, walk
from training.mutations import KINDS, injected_bugs, injected_pairs
from training.mutations.kinds import Mutants

NAMES = [each.name for each in LANGUAGES]


def language(name: str) -> Language:
    known = language_named(name)
    assert known is not None
    return known


def errors(code: str, name: str) -> int:
    return sum(
        node.is_error or node.is_missing for node, _ in walk(parse_part(code, language(name))[0])
    )


def mutants(code: str, name: str, kind: str) -> set[str]:
    """All that one kind of bug makes of a snippet."""
    found = Mutants.of(code, name)
    assert found is not None
    return {found.snippet.edited(mutation) for mutation in found.mutations[kind]}


def many(code: str, name: str, seeds: int = 3) -> Iterator[tuple[str, str]]:
    for seed in range(seeds):
        yield from injected_bugs(code, name, random.Random(seed)).items()


BROAD = {
    "C": """\
static int load(struct cart *cart, const char *path, int limit, int offset)
{
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return -1;
    }
    for (int i = 0; i < limit; i++) {
        if (cart->left == cart->right && i > offset) {
            fclose(in);
            break;
        }
        cart->sizes[i] = read_size(limit, offset) - 1;
        cart->total += cart->sizes[i];
    }
    fclose(in);
    return 0;
}
""",
    "C++": """\
bool load(Cart& cart, const std::string& path, int limit, int offset) {
  auto* in = open(path);
  if (in == nullptr) {
    return false;
  }
  for (int i = 0; i < limit; i++) {
    if (cart.left == cart.right && i > offset) {
      delete in;
      break;
    }
    cart.sizes[i] = size(limit, offset) - 1;
    cart.total += cart.sizes[i];
  }
  delete in;
  return true;
}
""",
    "C#": """\
public async Task<bool> Load(Cart cart, int limit, int offset)
{
    if (cart == null)
    {
        throw new ArgumentNullException(nameof(cart));
    }
    var reader = await Open(limit, offset);
    for (int i = 0; i < limit; i++)
    {
        if (cart.Left == cart.Right && i > offset)
        {
            reader.Close();
            break;
        }
        cart.Sizes[i] = reader.Size?.Value - 1;
        cart.Total += cart.Sizes[i];
    }
    reader.Close();
    return true;
}
""",
    "Go": """\
func load(cart *Cart, limit int, offset int) (bool, error) {
	in, err := open(limit, offset)
	if err != nil {
		return false, err
	}
	defer in.Close()
	cart.mu.Lock()
	defer cart.mu.Unlock()
	for i := 0; i < limit; i++ {
		if cart.left == cart.right && i > offset {
			cart.count = i
			break
		}
		cart.sizes[i] = size(in) - 1
		cart.total += cart.sizes[i]
	}
	if err = in.check(); err != nil {
		return false, err
	}
	return true, nil
}
""",
    "Java": """\
boolean load(Cart cart, int limit, int offset) {
    if (cart == null) {
        throw new IllegalArgumentException("no cart");
    }
    Reader in = open(limit, offset);
    try {
        for (int i = 0; i < limit; i++) {
            if (cart.left.equals(cart.right) && i > offset) {
                cart.count = i;
                break;
            }
            cart.sizes[i] = in.size() - 1;
            cart.total += cart.sizes[i];
        }
        in.close();
    } catch (IOException e) {
        report(e);
        throw new IllegalStateException(e);
    }
    return true;
}
""",
    "JavaScript": """\
async function load(cart, limit, offset, done) {
  if (!cart) {
    return null;
  }
  const reader = await open(limit, offset);
  for (let i = 0; i < limit; i++) {
    if (cart.left === cart.right && i > offset) {
      cart.count = i;
      break;
    }
    cart.sizes[i] = reader?.size - 1;
    cart.total += cart.sizes[i];
  }
  if (reader.failed) {
    return done(error);
  } else {
    cart.done = 1;
  }
  reader.close();
  return summarise(cart.name.trim());
}
""",
    "Python": """\
async def load(cart, limit, offset):
    if cart is None:
        raise ValueError("no cart")
    reader = await open_reader(limit, offset)
    for i in range(limit):
        if cart.kind == "left" and cart.right > offset and cart.left:
            cart.count = i
            break
        cart.sizes[i] = reader.size - 1
        cart.total += cart.sizes[i]
    try:
        reader.check()
    except ValueError:
        cart.failed = True
        raise
    reader.close()
    return summarise(str(cart.name))
""",
    "Ruby": """\
def load(cart, limit, offset)
  return nil if cart.nil?
  reader = open_reader(limit, offset)
  (0...limit).each do |i|
    if cart.left == cart.right && i > offset
      cart.count = i
      next
    end
    cart.sizes[i] = reader.size - 1
    cart.total += 1
  end
  reader.close
  cart.save!
  label = cart.name.to_s
  report(label)
rescue IOError => e
  report(e)
  raise
end
""",
}
BROAD["TypeScript"] = BROAD["JavaScript"].replace("(cart,", "(cart: Cart,")
BROAD["TSX"] = BROAD["TypeScript"]

EVERYWHERE = {
    "off_by_one",
    "swapped_arguments",
    "dropped_check",
    "inverted_condition",
    "wrong_operator",
    "wrong_variable",
    "missing_jump",
    "missing_release",
}
ALSO = {
    "C#": {"missing_await"},
    "Go": {"missing_unlock", "swallowed_error"},
    "Java": {"swallowed_error", "wrong_comparison"},
    "JavaScript": {"missing_await", "swallowed_error", "lost_conversion"},
    "Python": {"missing_await", "swallowed_error", "lost_conversion", "wrong_comparison"},
    "Ruby": {"swallowed_error", "lost_conversion"},
}


@pytest.mark.parametrize("name", [each.name for each in LANGUAGES if each.in_distribution])
def test_a_language_has_every_kind_that_makes_sense_in_it(name: str) -> None:
    code = BROAD[name]
    assert errors(code, name) == 0
    found = set(injected_bugs(code, name, random.Random(0)))
    assert found >= EVERYWHERE | ALSO.get(name, set())


@pytest.mark.parametrize("name", sorted(BROAD))
def test_what_a_kind_says_of_length_is_so(name: str) -> None:
    for kind, bug in KINDS.items():
        for mutated in mutants(BROAD[name], name, kind):
            growth = len(mutated) - len(BROAD[name])
            assert growth < 0 or bug.length != "shorter", mutated
            assert growth > 0 or bug.length != "longer", mutated
            assert growth == 0 or bug.length != "equal", mutated


@pytest.mark.parametrize("name", NAMES)
def test_every_mutant_is_other_code_that_parses_no_worse(name: str) -> None:
    for code in (SAMPLES[name], BROAD.get(name, "")):
        for _, mutated in many(code, name):
            assert not same_code(code, mutated, language(name))
            assert errors(mutated, name) <= errors(code, name)


def test_equal_seeds_give_equal_mutants() -> None:
    code = SAMPLES["Java"]
    assert injected_bugs(code, "Java", random.Random(3)) == injected_bugs(
        code, "Java", random.Random(3)
    )


def test_a_language_we_do_not_read_and_an_empty_text_have_no_mutants() -> None:
    assert injected_bugs("a = b", "COBOL", random.Random(0)) == {}
    assert all(injected_bugs("", name, random.Random(0)) == {} for name in NAMES)


def pair(index: int, name: str) -> PreferencePair:
    return PreferencePair(
        "Fix it",
        SAMPLES[name],
        SAMPLES[name] + "\n",
        name,
        "Readability",
        source=f"me/repo{index}@1",
        idx=str(index),
    )


def test_injected_pairs_prefer_the_snippet_to_its_mutant_and_keep_its_repository() -> None:
    pairs = [pair(index, name) for index, name in enumerate(["Go", "Java", "Python"] * 8)]
    made = injected_pairs(pairs, 20, seed=1)
    assert len(made) == 20
    for each in made:
        kind = (each.subset or "").removeprefix("INJECTED/")
        assert each.chosen.strip() == SAMPLES[each.language].strip()
        assert each.rejected != each.chosen
        assert each.aspect == KINDS[kind].aspect
        assert each.group.startswith("me/repo")
        assert not each.tie
    assert made == injected_pairs(pairs, 20, seed=1)
    counts = [sum(each.language == name for each in made) for name in ("Go", "Java", "Python")]
    assert max(counts) - min(counts) <= 1


# --- what each kind does --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "code", "mutated"),
    [
        ("off_by_one", "C", "while (i < n) f();", "while (i <= n) f();"),
        ("off_by_one", "C", "for (i = 0; i < n; i++) f();", "for (i = 1; i < n; i++) f();"),
        ("off_by_one", "C", "x = a[i];", "x = a[i + 1];"),
        ("off_by_one", "Java", "x = n - 1;", "x = n;"),
        ("off_by_one", "JavaScript", "s.slice(0, 2)", "s.slice(0, 3)"),
        ("off_by_one", "Python", "range(n)", "range(1, n)"),
        ("off_by_one", "Ruby", "(0...n).each { f }", "(0..n).each { f }"),
        (
            "off_by_one",
            "Rust",
            "fn f() { for i in 0..n { g(); } }",
            "fn f() { for i in 0..=n { g(); } }",
        ),
        ("swapped_arguments", "Python", "f(row, col)", "f(col, row)"),
        ("swapped_arguments", "C", "x = start - end;", "x = end - start;"),
        (
            "inverted_condition",
            "Go",
            "func f() { if a == nil { g() } }",
            "func f() { if a != nil { g() } }",
        ),
        ("inverted_condition", "Python", "if a and b: f()", "if a or b: f()"),
        ("inverted_condition", "Python", "if not a: f()", "if a: f()"),
        ("inverted_condition", "Ruby", "f if a", "f unless a"),
        ("wrong_operator", "Java", "x = Math.min(a, b);", "x = Math.max(a, b);"),
        ("wrong_operator", "C", "total += size;", "total = size;"),
        ("wrong_constant", "C#", "x.Visible = true;", "x.Visible = false;"),
        ("wrong_constant", "C", "x = y << 8;", "x = y << 4;"),
        ("copy_paste", "C", "x = a.p == b.p && a.q == b.q;", "x = a.p == b.p && a.q == b.p;"),
        ("dropped_check", "JavaScript", "x = a?.b;", "x = a.b;"),
        ("dropped_check", "C", "if (p != NULL && p->n) f();", "if (p->n) f();"),
        ("dropped_check", "Ruby", "x = a&.b", "x = a.b"),
        (
            "missing_await",
            "Python",
            "async def f():\n    x = await g()\n",
            "async def f():\n    x = g()\n",
        ),
        ("swallowed_error", "Ruby", "cart.save!", "cart.save"),
        ("swallowed_error", "JavaScript", "if (e) done(err);", "if (e) done();"),
        ("lost_conversion", "Python", "x = list(y)", "x = y"),
        ("wrong_comparison", "C", "x = malloc(sizeof(*p));", "x = malloc(sizeof(p));"),
        ("wrong_comparison", "C", "if (a == b) f();", "if (a = b) f();"),
        ("wrong_comparison", "Java", "x = !a.equals(b);", "x = a != b;"),
        ("wrong_variable", "Go", "func f(p *P, q *P) {\n\tg(p.a, q.a)\n}", None),
        (
            "wrong_variable",
            "C",
            "void f(int a, int b) { g(x[a]); h(x[b]); }",
            "void f(int a, int b) { g(x[b]); h(x[b]); }",
        ),
        ("wrong_variable", "C", "f(r.width); g(r.height);", "f(r.height); g(r.height);"),
    ],
)
def test_a_bug_of_each_kind(kind: str, name: str, code: str, mutated: str | None) -> None:
    found = mutants(code, name, kind)
    assert mutated in found if mutated else not found


@pytest.mark.parametrize(
    ("kind", "name", "code", "why"),
    [
        ("off_by_one", "C", "void f() { if (a > top) top = a; }", "equal ones change nothing"),
        ("off_by_one", "C", "x = a < b ? a : b;", "equal ones give the same"),
        ("off_by_one", "Java", "i = i + 1;", "a counter that stands still"),
        ("off_by_one", "Python", "if x < 0.5: f()", "nothing falls on it"),
        ("swapped_arguments", "Python", "max(a, b)", "commutative"),
        ("swapped_arguments", "Java", "Objects.equals(a, b);", "symmetric"),
        ("swapped_arguments", "C", "void f(int a, char *b) { g(a, b); }", "other types"),
        (
            "dropped_check",
            "C",
            "int f() { if (p == NULL) return 0; return 0; }",
            "the same follows",
        ),
        (
            "dropped_check",
            "Python",
            "def f():\n    if x in cache:\n        return cache[x]\n    g()\n",
            "a cache",
        ),
        (
            "dropped_check",
            "Java",
            "int f() { if (xs.isEmpty()) { return 0; } g(); }",
            "may be a short cut",
        ),
        (
            "missing_jump",
            "C",
            "void f() { while (a) { if (b) { c = 1; break; } } }",
            "only a short cut",
        ),
        (
            "missing_jump",
            "Go",
            "func f() {\n\tswitch a {\n\tcase 1:\n\t\tb()\n\t\tbreak\n\tcase 2:\n\t}\n}",
            "no fall-through",
        ),
        ("missing_await", "JavaScript", "async () => { return await f(); }", "the caller waits"),
        ("missing_unlock", "Python", "def f():\n    g()\n    ','.join(x)\n", "a text joined"),
        ("wrong_operator", "Python", "x = 'a' + b", "a text"),
        (
            "wrong_operator",
            "JavaScript",
            "if (a.indexOf(b) !== -1) f();",
            "asks whether it is there",
        ),
        ("lost_conversion", "C#", 'x = "a" + b.ToString();', "a text all the same"),
        ("repeated_statement", "C#", "void F() { x.Done -= OnDone; }", "an event"),
        ("repeated_statement", "JavaScript", "function f() { x = 1; }", "the same twice"),
        ("inverted_condition", "C", "LOG(a == b);", "only logged"),
        ("off_by_one", "C", "assert(i < n);", "only asserted"),
        (
            "moved_statement",
            "C",
            "void f() { a = a + 1;\n  a = a + b; }",
            "adds up in either order",
        ),
        ("wrong_comparison", "Python", "x = a is b", "is identity already"),
    ],
)
def test_what_may_change_nothing_is_left_alone(kind: str, name: str, code: str, why: str) -> None:
    assert not mutants(code, name, kind), why


def test_a_guard_goes_with_its_comment_and_leaves_no_blank_line_after_a_brace() -> None:
    guard = "    // No cart, no sum.\n    if (!p) {\n        return 0;\n    }\n\n"
    code = "int f(A *p)\n{\n" + guard + "    h(p);\n    return g(p);\n}\n"
    assert mutants(code, "C", "dropped_check") == {code.replace(guard, "")}


def test_a_return_moves_into_its_loop() -> None:
    code = "def f(xs):\n    for x in xs:\n        g(x)\n\n    return 1\n"
    assert mutants(code, "Python", "moved_statement") == {
        "def f(xs):\n    for x in xs:\n        g(x)\n        return 1\n"
    }


def test_go_keeps_a_check_without_which_its_variable_would_be_unused() -> None:
    check = "\tif err != nil {\n\t\treturn\n\t}\n\th()\n"
    assert not mutants("func f() {\n\terr := g()\n" + check + "}", "Go", "dropped_check")
    assert mutants("func f() {\n\terr := g()\n\ti(err)\n" + check + "}", "Go", "dropped_check")
