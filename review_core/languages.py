"""The languages we read: names as in Themis's records, file endings, grammars, comment syntax, how
well the model knows them.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar


@dataclass(frozen=True, slots=True)
class Language:
    """A language we can cut into functions.

    in_distribution: whether Themis models were trained on it (FACTS: the eight, and TypeScript
    through JavaScript). grammar: module and function that return the tree-sitter grammar.
    line_comment: how a comment line starts.
    """

    name: str
    extensions: tuple[str, ...]
    grammar: tuple[str, str]
    line_comment: str
    in_distribution: bool = True

    def load_grammar(self) -> Grammar:
        """The tree-sitter grammar, loaded once a process."""
        return _grammar(*self.grammar)


@cache
def _grammar(module: str, function: str) -> Grammar:
    import tree_sitter

    return tree_sitter.Language(getattr(importlib.import_module(module), function)())


LANGUAGES: tuple[Language, ...] = (
    Language("C", (".c", ".h"), ("tree_sitter_c", "language"), "//"),
    Language(
        "C++",
        (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".ipp", ".tpp"),
        ("tree_sitter_cpp", "language"),
        "//",
    ),
    Language("C#", (".cs",), ("tree_sitter_c_sharp", "language"), "//"),
    Language("Go", (".go",), ("tree_sitter_go", "language"), "//"),
    Language("Java", (".java",), ("tree_sitter_java", "language"), "//"),
    Language(
        "JavaScript", (".js", ".cjs", ".mjs", ".jsx"), ("tree_sitter_javascript", "language"), "//"
    ),
    Language(
        "TypeScript",
        (".ts", ".cts", ".mts"),
        ("tree_sitter_typescript", "language_typescript"),
        "//",
    ),
    Language("TSX", (".tsx",), ("tree_sitter_typescript", "language_tsx"), "//"),
    Language("Python", (".py", ".pyi"), ("tree_sitter_python", "language"), "#"),
    Language("Ruby", (".rb", ".rake", ".gemspec"), ("tree_sitter_ruby", "language"), "#"),
    Language("Rust", (".rs",), ("tree_sitter_rust", "language"), "//", in_distribution=False),
    Language("PHP", (".php",), ("tree_sitter_php", "language_php"), "//", in_distribution=False),
    Language(
        "Kotlin", (".kt", ".kts"), ("tree_sitter_kotlin", "language"), "//", in_distribution=False
    ),
)

_BY_EXTENSION = {extension: language for language in LANGUAGES for extension in language.extensions}
_BY_NAME = {language.name: language for language in LANGUAGES}
_BY_FILE_NAME = {"Rakefile": "Ruby", "Gemfile": "Ruby"}


def language_of(path: str) -> Language | None:
    """The language of a file by its name, or None if it is not one of ours."""
    pure = PurePosixPath(path)
    if pure.name in _BY_FILE_NAME:
        return _BY_NAME[_BY_FILE_NAME[pure.name]]
    return _BY_EXTENSION.get(pure.suffix.lower())


def language_named(name: str) -> Language | None:
    """The language with this name, as records and reports spell it."""
    return _BY_NAME.get(name)
