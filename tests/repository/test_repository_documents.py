"""The documents agree with the code: links, pages, keys, languages, commands."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from model_export.cli import cli as export_cli
from review_cli.main import cli
from review_cli.mcp_server import cli as mcp_cli
from review_cli.review import FINDINGS
from review_core.command import BAD_INPUT, INTERNAL, INTERRUPTED
from review_core.config import AxisMode, load_settings
from review_core.languages import LANGUAGES
from review_core.types import Axis
from training.cli import cli as training_cli

ROOT = Path(__file__).parents[2]
PAGES = ("*.md", "docs/**/*.md", "examples/**/*.md", "models/*/*.md")
DOCUMENTS = sorted(path for pages in PAGES for path in ROOT.glob(pages))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(program: str) -> set[str]:
    """The indented lines of the documents that call `program`, without their remarks."""
    found = set()
    for document in DOCUMENTS:
        for line in document.read_text(encoding="utf-8").splitlines():
            if match := re.match(rf"(?: {{4}}|\$ )({program} .*?)(?:  +#.*| \| .*)?$", line):
                found.add(match[1].strip())
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    local = [document.parent / link for link in links if "://" not in link]
    made = ROOT / "docs" / "reference"  # while the site is built, which checks links to it
    written = [path for path in local if not path.resolve().is_relative_to(made)]
    assert [path for path in written if not path.exists()] == []


@pytest.mark.parametrize("axis", Axis)
def test_each_axis_has_a_page_that_the_readme_links(axis: Axis) -> None:
    page = f"docs/axes/{axis}.md"
    assert text_of(page).startswith(f"# {axis.title()}\n")
    assert f"]({page})" in text_of("README.md")
    assert f"themis: ignore[{axis}]" in text_of(page)


def test_the_readme_names_every_language_and_how_well_it_is_known() -> None:
    known, read = re.search(
        r"trained on: (.*?)\. (.*?) are read", text_of("README.md"), flags=re.DOTALL
    ).groups()  # type: ignore[union-attr]
    in_distribution = {each.name for each in LANGUAGES if each.in_distribution}
    assert set(re.split(r",\s+", known)) == in_distribution
    assert set(re.split(r",\s+| and ", read)) == {each.name for each in LANGUAGES} - in_distribution


def test_the_table_of_keys_is_the_schemas(tmp_path: Path) -> None:
    page = tmp_path / "configuration.md"
    shutil.copy(ROOT / "docs" / "configuration.md", page)
    script = ROOT / "scripts" / "configuration_page.py"
    subprocess.run([sys.executable, script, page], check=True, cwd=ROOT)
    assert page.read_text("utf-8") == text_of("docs/configuration.md"), "run: make fix"


def test_the_example_configuration_is_valid(tmp_path: Path) -> None:
    example = re.search(r"((?: {4}.*\n\n?)+)", text_of("docs/configuration.md"))
    assert example is not None
    lines = [line.removeprefix("    ") for line in example[1].splitlines()]
    (tmp_path / ".themis.toml").write_text("\n".join(lines), encoding="utf-8")
    resolved = load_settings(tmp_path)
    assert resolved.settings.axes[Axis.SECURITY].worse_at == 0.9
    assert resolved.settings.axes[Axis.READABILITY].mode is AxisMode.OFF


PROGRAMS: dict[str, click.Command] = {
    "themis": cli,
    "themis-mcp": mcp_cli,
    "themis-train": training_cli,
    "themis-export": export_cli,
}


@pytest.mark.parametrize("line", sorted(set().union(*map(commands, PROGRAMS))))
def test_a_command_in_the_documents_is_one_that_its_program_takes(line: str) -> None:
    """Parsed by the program itself and not run: most need a repository of the reader's."""
    program, *arguments = shlex.split(line)
    command = PROGRAMS[program]
    context = click.Context(command)
    while isinstance(command, click.Group):
        name = arguments.pop(0)
        found = command.get_command(context, name)
        assert found is not None, name
        command = found
    assert command.callback is not None
    here = [str(ROOT) if part == "../other-project" else part for part in arguments]  # must exist
    command.make_context(program, here).close()


def test_the_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    told = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", text_of("README.md"), flags=re.MULTILINE))
    assert set(map(int, told)) == {0, FINDINGS, BAD_INPUT, INTERNAL, INTERRUPTED}


def test_the_licence_is_whole() -> None:
    licence = text_of("LICENSE")
    assert "Apache License\n                           Version 2.0, January 2004" in licence
    assert "APPENDIX: How to apply the Apache License to your work." in licence
