"""What makes large changes fast leaves out no pair: each search against all pairs, one by one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from review_core.languages import language_named
from review_core.moves import moved_code
from review_core.pairing import LIKE_ENOUGH, LIKE_ENOUGH_BY_NAME, changed_functions, similarity
from review_core.sources.renames import renamed
from review_core.types import ChangedFunction, FileChange, Function, FunctionKind, LineRange

ROUNDS = 300


def greedy(
    left: Sequence[str], right: Sequence[str], alike: Callable[[int, int], float]
) -> dict[int, int]:
    """Pairs above 0, the most alike first, then in order: which of `left` each of `right` was."""
    found = [(-alike(i, j), j, i) for i in range(len(left)) for j in range(len(right))]
    pairs: dict[int, int] = {}
    for likeness, j, i in sorted(found):
        if likeness < 0 and j not in pairs and i not in pairs.values():
            pairs[j] = i
    return pairs


def texts(rng: random.Random, pool: Iterable[str], count: int) -> list[str]:
    words = list(pool)
    return ["".join(rng.choices(words, k=rng.randrange(10))) for _ in range(count)]


def test_renamed_files_are_those_that_all_pairs_give() -> None:
    rng, found = random.Random(1), 0
    for _ in range(ROUNDS):
        pool = [f"line {n}\n" for n in range(rng.choice((3, 8, 30)))]
        gone, new = texts(rng, pool, rng.randrange(6)), texts(rng, pool, rng.randrange(6))

        def alike(i: int, j: int, gone: list[str] = gone, new: list[str] = new) -> float:
            lines = [Counter(text.splitlines(keepends=True)) for text in (gone[i], new[j])]
            common = sum(len(line) * count for line, count in (lines[0] & lines[1]).items())
            share = common / max(len(gone[i]), len(new[j]), 1)
            return share if share >= 0.5 else 0.0

        pairs = renamed(
            [(f"{i}", text.encode()) for i, text in enumerate(gone)],
            [(f"{j}", text.encode()) for j, text in enumerate(new)],
        )
        assert {int(j): int(i) for j, i in pairs.items()} == greedy(gone, new, alike)
        found += len(pairs)
    assert found > 50


def function(name: str, text: str) -> Function:
    lines = LineRange(1, text.count("\n") + 1)
    return Function(name, FunctionKind.FUNCTION, text, (lines,))


def test_moved_code_is_what_all_pairs_give() -> None:
    rng, found = random.Random(2), 0
    for _ in range(ROUNDS):
        pool = [f"statement_{n}\n" for n in range(rng.choice((3, 8, 30)))]
        count = rng.randrange(1, 8)
        sides = zip(texts(rng, pool, count), texts(rng, pool, count), strict=True)
        functions = [
            ChangedFunction("a.py", "Python", function(f"f{at}", base), function(f"f{at}", head))
            for at, (base, head) in enumerate(sides)
        ]
        phrases = moved_code(functions)
        assert phrases == [moved(at, functions) for at in range(count)]
        found += sum(phrase is not None for phrase in phrases)
    assert found > 50


def moved(at: int, functions: Sequence[ChangedFunction]) -> str | None:
    """The function whose lines cover most of this one's, the first of several."""

    def lines(function: Function | None) -> Counter[str]:
        return Counter(function.text.split()) if function else Counter()

    gone = [lines(each.base) - lines(each.head) for each in functions]
    come = [lines(each.head) - lines(each.base) for each in functions]
    for own, others, phrase in ((gone[at], come, "moved to"), (come[at], gone, "came from")):
        covered = [(own & other).total() for other in others]
        best = max(covered)
        if best >= max(3, 0.5 * own.total()):
            return f"code {phrase} `{functions[covered.index(best)].name}`"
    return None


def test_renamed_functions_are_those_that_all_pairs_give() -> None:
    """Functions of few words, so that many are about as alike as is asked for."""
    rng, found = random.Random(3), 0
    python = language_named("Python")
    assert python is not None
    for _ in range(ROUNDS // 3):
        words = [f"w{n}" for n in range(rng.choice((4, 12)))]
        sides = []
        for letter in "gh":
            names = [f"{letter}{at}" for at in range(rng.randrange(1, 6))]
            # A method under the same last name in another class needs to be less alike.
            names = [f"{name[0]}.n{name[1]}" if rng.random() < 0.3 else name for name in names]
            sides.append([(name, " ".join(rng.choices(words, k=6))) for name in names])
        base, head = ([source(*each) for each in side] for side in sides)
        change = FileChange("a.py", "\n".join(base) + "\n", "\n".join(head) + "\n")
        changed = changed_functions(change, python)
        pairs = {
            (each.base.name, each.head.name)
            for each in changed
            if each.base and each.head and each.kind is not FunctionKind.CLASS_BODY
        }
        for gone, new in pairs:
            ours = similarity(text_of(changed, gone, 0), text_of(changed, new, 1))
            same = gone.rpartition(".")[2] == new.rpartition(".")[2]
            assert ours >= (LIKE_ENOUGH_BY_NAME if same else LIKE_ENOUGH)
        left = {each.base.name: each.base for each in changed if each.base and not each.head}
        right = {each.head.name: each.head for each in changed if each.head and not each.base}
        for gone, old in left.items():
            for new, now in right.items():
                if FunctionKind.CLASS_BODY in (old.kind, now.kind):
                    continue
                same = gone.rpartition(".")[2] == new.rpartition(".")[2]
                least = LIKE_ENOUGH_BY_NAME if same else LIKE_ENOUGH
                assert similarity(old.text, now.text) < least, "a pair was left out"
        found += len(pairs)
    assert found > 20


def source(name: str, words: str) -> str:
    owner, is_method, last = name.rpartition(".")
    if not is_method:
        return f"def {name}():\n    return [{words.replace(' ', ', ')}]\n"
    body = f"    def {last}(self):\n        return [{words.replace(' ', ', ')}]\n"
    return f"class {owner.upper()}{last}:\n{body}"


def text_of(changed: Sequence[ChangedFunction], name: str, side: int) -> str:
    for each in changed:
        function = (each.base, each.head)[side]
        if function is not None and function.name == name:
            return function.text
    raise AssertionError(name)
