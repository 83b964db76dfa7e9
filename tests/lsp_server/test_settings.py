"""What an editor may set."""

from __future__ import annotations

import pytest

from lsp_server.settings import EditorSettings, Scope, Severity, When, editor_settings


def test_settings_are_the_fields_in_camel_case() -> None:
    told = {
        "base": "main...",
        "run": "onSave",
        "debounceMilliseconds": 50,
        "scope": "changedFiles",
        "severity": "hint",
        "codeLens": False,
        "inlayHints": True,
        "idleMinutes": 1,
        "trusted": False,
        "model": None,
    }
    settings, problems = editor_settings(told)
    assert problems == ()
    assert settings == EditorSettings(
        base="main...",
        run=When.SAVE,
        debounce_milliseconds=50,
        scope=Scope.CHANGED,
        severity=Severity.HINT,
        code_lens=False,
        inlay_hints=True,
        idle_minutes=1.0,
        trusted=False,
    )


def test_nothing_set_is_the_defaults() -> None:
    assert editor_settings(None) == editor_settings({}) == (EditorSettings(), ())


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"codelens": True}, "themis.codelens is not a setting; did you mean codeLens?"),
        ({"run": "always"}, 'run must be "onType" or "onSave" or "manual", not \'always\''),
        ({"codeLens": 1}, "codeLens must be true or false, not 1"),
        ({"debounceMilliseconds": -1}, "must be a number of at least 0, not -1"),
        ({"debounceMilliseconds": True}, "must be a number of at least 0, not True"),
        ({"base": " "}, "base must be text, not ' '"),
        ([], "the settings of themis must be an object"),
    ],
)
def test_what_makes_no_sense_is_named_and_keeps_its_default(told: object, problem: str) -> None:
    settings, problems = editor_settings(told)
    assert settings == EditorSettings()
    assert len(problems) == 1
    assert problem in problems[0]
