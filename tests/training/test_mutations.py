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
from training.mutations import KINDS, injected_bugs
from training.mutations.pairs import injected_pairs

NAMES = [each.name for each in LANGUAGES]


def language(name: str) -> Language:
    known = language_named(name)
    assert known is not None
    return known


def errors(code: str, name: str) -> int:
    return sum(
        node.is_error or node.is_missing for node, _ in walk(parse_part(code, language(name))[0])
    )


def mutants(code: str, name: str, kind: str, seeds: int = 30) -> set[str]:
    """Every mutant of one kind that some seed gives."""
    found = (injected_bugs(code, name, random.Random(seed)).get(kind) for seed in range(seeds))
    return {each for each in found if each is not None}


def many(code: str, name: str, seeds: int = 10) -> Iterator[tuple[str, str]]:
    for seed in range(seeds):
        yield from injected_bugs(code, name, random.Random(seed)).items()


@pytest.mark.parametrize("name", NAMES)
def test_every_mutant_is_other_code_that_parses_no_worse(name: str) -> None:
    code = SAMPLES[name]
    found = dict(many(code, name))
    assert found
    for mutated in found.values():
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
