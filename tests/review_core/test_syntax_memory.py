"""Parsing leaves nothing behind: a server parses as long as it runs."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from review_core.languages import LANGUAGES, Language
from review_core.syntax import parse


@pytest.mark.parametrize("language", LANGUAGES[-2:], ids=lambda each: each.name)
def test_a_text_that_was_parsed_is_let_go(language: Language) -> None:
    """Ten texts of 7 kB: kept, they would be 70 kB. What a tree itself takes is not traced."""
    texts = [f"x = {at};\n" * 1000 for at in range(10)]
    parse(texts[0], language)  # a grammar is kept for good
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for text in texts:
            parse(text, language)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


def test_a_tree_reads_its_text_after_parsing_was_done() -> None:
    """The reader gives the text away; nodes ask it again, one by one."""
    (python,) = (each for each in LANGUAGES if each.name == "Python")
    root = parse("first = 1\nsecond = 'é'\n" * 1000, python)
    gc.collect()
    assert root.named_children[1999].text == "second = 'é'".encode()
