"""Names the language of code: by what people call it, by its prompt, by which grammars read it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from review_core.languages import LANGUAGES, language_named
from review_core.syntax import parse_part

_ALIASES = {
    "c plus plus": "C++",
    "cc": "C++",
    "cpp": "C++",
    "cs": "C#",
    "csharp": "C#",
    "golang": "Go",
    "js": "JavaScript",
    "jsx": "JavaScript",
    "kt": "Kotlin",
    "node": "JavaScript",
    "nodejs": "JavaScript",
    "py": "Python",
    "py3": "Python",
    "python2": "Python",
    "python3": "Python",
    "rb": "Ruby",
    "rs": "Rust",
    "ts": "TypeScript",
} | {language.name.casefold(): language.name for language in LANGUAGES}


def canonical_language(name: str) -> str | None:
    """The name as records spell it, for a name or usual short form; None for one we do not read."""
    return _ALIASES.get(name.strip().casefold())


def detected_language(prompt: str, texts: Iterable[str]) -> str | None:
    """The language that the prompt names, else the only one whose grammar reads every text without
    an error (of C and C++, JavaScript and TypeScript, the smaller); None where neither tells.
    """
    named = {canonical_language(found) for found in _NAMED.findall(prompt)}
    named |= {name for name, pattern in _SHORT.items() if pattern.search(prompt)}
    if len(named) == 1:
        return named.pop()
    texts = tuple(texts)
    reading = [
        name
        for name in _CANDIDATES
        if (known := language_named(name))
        and not any(parse_part(text, known)[0].has_error for text in texts)
    ]
    for smaller, larger in (("C", "C++"), ("JavaScript", "TypeScript")):
        if smaller in reading and larger in reading:
            reading.remove(larger)
    return reading[0] if len(reading) == 1 else None


_NAMED = re.compile(
    r"(?<![\w.+#-])(python3?|java|javascript|typescript|ruby|golang|rust|kotlin|php|c\+\+|cpp|c#|csharp)"
    r"(?![\w+#-])",
    re.IGNORECASE,
)
_SHORT = {
    name: re.compile(
        rf"\b(?:in|using|the) {name}\b(?![+#])"
        rf"|(?<![\w.+-]){name} (?:code|function|method|program|project)\b"
    )
    for name in ("C", "Go")
}
_CANDIDATES = ("C", "C++", "C#", "Go", "Java", "JavaScript", "TypeScript", "Python", "Ruby")
