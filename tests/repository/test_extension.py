"""Agreements between the VS Code extension and the language server: what one says, both know."""

import json
import re
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import pytest

from lsp_server.actions import EXPLAIN, FEEDBACK, SHOW_HUNK, VERDICTS
from lsp_server.annotations import COMPARE
from lsp_server.settings import EditorSettings, camel_case, editor_settings
from review_core import __version__
from review_core.languages import LANGUAGES, language_of
from review_core.types import Axis

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "vscode-extension"
OUR_OWN = ("server.",)
"""Settings that the extension reads and the server never sees."""


def package() -> dict[str, Any]:
    text = (EXTENSION / "package.json").read_text(encoding="utf-8")
    return cast(dict[str, Any], json.loads(text))


def source(name: str) -> str:
    return (EXTENSION / "src" / name).read_text(encoding="utf-8")


def constants(name: str, module: str) -> list[str]:
    """The texts of a constant list in a module of the extension."""
    found = re.search(rf"export const {name} = \[(.*?)\]", source(module), flags=re.DOTALL)
    assert found is not None
    return re.findall(r"'([^']+)'", found[1])


def settings() -> dict[str, dict[str, Any]]:
    declared = package()["contributes"]["configuration"]["properties"]
    names = {name.removeprefix("themis."): spec for name, spec in declared.items()}
    return {name: spec for name, spec in names.items() if not name.startswith(OUR_OWN)}


def test_each_setting_of_the_server_is_one_of_the_extension_and_the_other_way_round() -> None:
    known = {camel_case(field.name) for field in fields(EditorSettings)}
    assert set(settings()) == known
    assert set(constants("SERVER_SETTINGS", "settings.ts")) == known


@pytest.mark.parametrize("field", fields(EditorSettings), ids=lambda field: field.name)
def test_a_setting_has_the_servers_default_choices_and_a_description(field: Any) -> None:
    declared = settings()[camel_case(field.name)]
    default = getattr(EditorSettings(), field.name)
    assert declared["default"] == default
    if isinstance(default, StrEnum):
        assert declared["enum"] == list(type(default))
    assert (declared.get("description") or declared["markdownDescription"]).endswith(".")


def test_the_server_accepts_the_bounds_that_the_extension_states() -> None:
    for name, declared in settings().items():
        for bound in ("minimum", "maximum"):
            if bound in declared:
                assert editor_settings({name: declared[bound]})[1] == ()
        if "minimum" in declared:
            assert editor_settings({name: declared["minimum"] - 0.02})[1] != ()


def test_what_names_a_program_or_a_model_is_not_read_from_an_untrusted_workspace() -> None:
    restricted = package()["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    declared = package()["contributes"]["configuration"]["properties"]
    chooses = [name for name in declared if name.startswith("themis.server.")]
    assert set(restricted) == {*chooses, "themis.model", "themis.judge", "themis.trusted"}
    for name in (*chooses, "themis.model"):
        assert declared[name]["scope"].startswith("machine")


def test_the_extension_does_the_commands_of_the_server_itself_and_registers_none_of_them() -> None:
    done = set(re.findall(r"\['(themis\.\w+)', \(", source("commands/looking.ts")))
    assert done == {SHOW_HUNK, COMPARE, EXPLAIN}
    commands = (path.read_text("utf-8") for path in (EXTENSION / "src" / "commands").glob("*.ts"))
    registered = set(re.findall(r"^    '(themis\.[\w.]+)': ", "\n".join(commands), re.MULTILINE))
    assert registered.isdisjoint(done)
    contributed = {each["command"] for each in package()["contributes"]["commands"]}
    assert contributed <= registered | done


def test_every_command_that_is_named_somewhere_exists() -> None:
    text = json.dumps(package())
    named = set(re.findall(r"(?:command:|onCommand:)(themis\.[\w.]+)", text))
    named |= set(re.findall(r'"command": "(themis\.[\w.]+)"', text))
    contributed = {each["command"] for each in package()["contributes"]["commands"]}
    assert named - contributed <= {SHOW_HUNK, "themis.changes.focus"}  # VS Code makes the latter


def test_the_documents_are_those_that_the_core_reads() -> None:
    endings = {end for language in LANGUAGES for end in language.extensions}
    assert {f".{end}" for end in constants("ENDINGS", "languages.ts")} == endings
    assert all(language_of(name) for name in constants("FILE_NAMES", "languages.ts"))
    activating = {event.removeprefix("onLanguage:") for event in package()["activationEvents"]}
    assert activating == set(constants("LANGUAGE_IDS", "languages.ts"))


def test_the_axes_are_the_cores() -> None:
    assert constants("AXES", "report.ts") == list(Axis)


def test_the_extension_knows_the_servers_words_for_ignoring() -> None:
    written = (ROOT / "lsp_server" / "actions.py").read_text(encoding="utf-8")
    assert 'f"Themis: ignore {names} in {' in written
    assert "title.startsWith('Themis: ignore ')" in source("commands/looking.ts")


def test_the_extension_answers_in_the_servers_words() -> None:
    """The server's command is registered by its client: one of ours of that name would collide."""
    sent = source("answers.ts")
    assert f"['{FEEDBACK}', uri, verdict, " in sent
    assert set(re.findall(r"'(\w+)'", sent.partition("Verdict = ")[2].partition(";")[0])) == {
        *VERDICTS
    }
    assert FEEDBACK not in {each["command"] for each in package()["contributes"]["commands"]}


def test_extension_and_server_have_one_version_and_one_licence() -> None:
    assert package()["version"] == __version__
    assert (EXTENSION / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_lock_file_names_no_registry_but_the_public_one() -> None:
    lock = (EXTENSION / "package-lock.json").read_text(encoding="utf-8")
    addresses = re.findall(r'"resolved": "([^"]+)"', lock)
    assert all(address.startswith("https://registry.npmjs.org/") for address in addresses)
    assert json.loads(lock)["packages"][""]["devDependencies"] == package()["devDependencies"]
