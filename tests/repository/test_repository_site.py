"""The documentation site: what is made for it from the code, and that it needs no network."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
import yaml
from tools import tool

from review_core.errors import ThemisError
from scripts.documents import agent_tools, commands, links, messages, prepare

ROOT = Path(__file__).parents[2]


def is_file(path: PurePosixPath) -> bool:
    return (ROOT / path).is_file()


# --- links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "link", "becomes"),
    [
        ("docs/rank.md", "[c](configuration.md#keys)", "[c](configuration.md#keys)"),
        ("docs/axes/security.md", "[e](efficiency.md)", "[e](efficiency.md)"),
        ("README.md", "![p](docs/images/review.svg)", "![p](images/review.svg)"),
        ("docs/editors/vscode.md", "[r](../../README.md)", "[r](../index.md)"),
        (
            "docs/axes/security.md",
            "[m](../../models/default/MODEL_CARD.md)",
            "[m](../repository/models/default/MODEL_CARD.md)",
        ),
        ("CONTRIBUTING.md", "[a](ARCHITECTURE.md)", "[a](ARCHITECTURE.md)"),
        ("CONTRIBUTING.md", "[r](README.md#use)", "[r](../index.md#use)"),
        ("README.md", "[l](LICENSE)", "[l](repository/LICENSE.txt)"),
        ("docs/github_app.md", "[d](../github_app/deploy)", "d"),
        ("docs/faq.md", "[t](reference/messages.md)", "[t](reference/messages.md)"),
        ("docs/rank.md", "[w](https://example.com/a.md)", "[w](https://example.com/a.md)"),
        ("docs/rank.md", "[s](#fixes-that-pass)", "[s](#fixes-that-pass)"),
        ("docs/rank.md", "```\n[a](../b.md)\n```", "```\n[a](../b.md)\n```"),
    ],
)
def test_a_link_of_the_repository_becomes_one_of_the_site(
    page: str, link: str, becomes: str
) -> None:
    assert links.for_site(link, PurePosixPath(page), is_file) == becomes


def test_dotted_folders_lose_their_dot_since_no_server_shows_them() -> None:
    place = links.place(PurePosixPath(".github/workflows/review.yml"))
    assert place == "repository/github/workflows/review.yml"


def test_what_a_linked_document_links_to_comes_along() -> None:
    found = links.linked(ROOT, [PurePosixPath("README.md")])
    assert PurePosixPath("CONTRIBUTING.md") in found
    assert PurePosixPath("training/LOG.md") in found  # the README does not link it


# --- pages from the code --------------------------------------------------------------------------


def test_each_command_that_is_installed_has_its_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    installed = set(project["scripts"])
    assert set(commands.PROGRAMS) == installed
    pages = {page for page in prepare.generated(ROOT) if page.startswith("reference/commands/")}
    assert pages == {f"reference/commands/{name}.md" for name in installed}


def test_a_commands_page_is_what_the_command_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "review_cli", "model", "verify", "--help"],
        env=os.environ | {"COLUMNS": "88"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # In a process of its own: click keeps how help was asked for first, and other tests ask.
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "from scripts.documents import commands; print(commands.page('themis'))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "\n### themis model verify\n" in shown
    assert " ".join(printed.split()) in " ".join(shown.split())


def test_the_width_of_the_terminal_does_not_change_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = commands.page("themis-export")
    monkeypatch.setenv("COLUMNS", "40")
    assert commands.page("themis-export") == wide


def test_the_agents_tools_are_told_with_their_arguments() -> None:
    shown = agent_tools.page()
    assert re.findall(r"\n\n## (\w+)\n", shown) == [
        "review_change", "rank_candidates", "explain_finding",
    ]  # fmt: skip
    assert "| `id` (required) | text |" in shown
    assert "| `candidates` (required) | list, each object with `name`, `text`, `path` |" in shown


def test_each_command_has_a_manual_page(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "scripts.documents.manual_pages", tmp_path], cwd=ROOT, check=True
    )
    written = {page.name for page in tmp_path.iterdir()}
    said = {each.name for program in commands.PROGRAMS for each in commands.said(program)}
    assert written == {f"{name.replace(' ', '-')}.1" for name in said}
    page = (tmp_path / "themis-rank.1").read_text("utf-8")
    assert "Say which CANDIDATE is best" in page
    assert "\\-\\-function" in page


def test_every_kind_of_error_is_on_the_page_of_messages() -> None:
    """The page is read from the syntax; here the same is asked of the classes themselves."""
    import training.fitting.watch  # noqa: F401

    def below(kind: type[ThemisError]) -> Iterator[type[ThemisError]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    classes, _ = messages.read(ROOT)
    ours = {each.__name__ for each in below(ThemisError) if each.__module__.split(".")[0] in
            messages.PACKAGES}  # fmt: skip
    assert ours <= {each.name for each in classes}
    assert all(each.says for each in classes)


def test_messages_are_found_through_names_and_formatting(tmp_path: Path) -> None:
    for package in messages.PACKAGES:
        (tmp_path / package).mkdir()
    (tmp_path / "review_core" / "a.py").write_text(
        "class ThemisError(Exception): ...\n"
        'class LostError(ThemisError):\n    """It is\n    lost.\n\n    More."""\n'
        'REMEDY = "look again"\n'
        "def find(path):\n"
        '    message = f"no {path.name}; {REMEDY}"\n'
        "    def inner(n):\n"
        '        raise LostError(f"{len(n)} lost " + "for good")\n'
        "    raise LostError(message)\n"
        "def other():\n"
        '    raise ValueError("not one of ours")\n',
        encoding="utf-8",
    )
    classes, told = messages.read(tmp_path)
    assert classes == [messages.ErrorClass("LostError", "review_core", "It is lost.")]
    assert sorted(each.text for each in told) == ["no {name}; look again", "{n} lost for good"]


def test_each_message_that_troubleshooting_quotes_is_one_that_is_said() -> None:
    _, told = messages.read(ROOT)
    texts = [re.sub(r"\{[^}]*\}", "…", each.text) for each in told]
    page = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    page = page.partition("## Kinds of errors")[0]
    cells = re.findall(r"^\| `(.+?)` \|", page, re.MULTILINE)
    cells += re.findall(r"`([^` ]+ [^` ]+ [^`]+)`", page.partition("## Agents")[2])
    assert len(cells) > 15
    assert [cell for cell in cells if cell not in texts] == []


def test_troubleshooting_has_each_kind_of_error() -> None:
    classes, _ = messages.read(ROOT)
    kinds = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8").partition("## Kinds of")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", kinds, re.MULTILINE)) == {
        each.name for each in classes
    }


# --- the site -------------------------------------------------------------------------------------


def build(site: Path, configuration: Path) -> subprocess.CompletedProcess[str]:
    """What `make docs` does, into another folder.

    Not with --quiet: MkDocs would count no warnings.
    """
    return subprocess.run(
        [
            *(sys.executable, "-m", "mkdocs", "build", "--strict"),
            *("--config-file", str(configuration), "--site-dir", str(site)),
        ],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the site is built of: pages, and the configuration beside them."""
    folder = tmp_path_factory.mktemp("documentation")
    prepare.main(ROOT, folder / "pages")
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    text = text.replace("docs_dir: build/pages", "docs_dir: pages")
    (folder / "mkdocs.yml").write_text(text.replace("paths: [.]", f"paths: [{ROOT}]"), "utf-8")
    return folder


def test_a_broken_link_or_a_page_without_a_place_fails_the_build(
    sources: Path, tmp_path: Path
) -> None:
    """A small site of the same rules, since only these are in question."""
    small = yaml.safe_load((sources / "mkdocs.yml").read_text("utf-8"))
    small |= {"nav": [{"A": "a.md"}, {"B": "b.md"}], "plugins": [], "extra": {}, "extra_css": []}
    pages = tmp_path / "pages"
    pages.mkdir()
    configuration = tmp_path / "mkdocs.yml"
    configuration.write_text(yaml.safe_dump(small), encoding="utf-8")
    (pages / "b.md").write_text("# B\n", encoding="utf-8")

    def built(a: str) -> str:
        (pages / "a.md").write_text(a, encoding="utf-8")
        run = build(tmp_path / "site", configuration)
        return run.stderr if run.returncode else "fine"

    assert built("[b](b.md)") == "fine"
    assert "nowhere.md" in built("[b](nowhere.md)")
    assert "#missing" in built("[b](b.md#missing)")
    (pages / "c.md").write_text("# C\n", encoding="utf-8")
    assert "c.md" in built("[b](b.md)")


def test_the_site_needs_no_network_and_fits_a_phone(sources: Path, tmp_path: Path) -> None:
    """From files, in a browser: no page asks for anything outside, none is wider than the screen,
    and search answers.
    """
    from playwright.sync_api import sync_playwright

    chromium = tool("chromium")
    site = tmp_path / "site"
    run = build(site, sources / "mkdocs.yml")
    assert run.returncode == 0, run.stderr
    one_a_folder = {file.parent: file for file in site.rglob("*.html")}.values()
    pages = sorted({*site.glob("*.html"), *one_a_folder})
    pages.remove(site / "404.html")  # a server shows it, at any address
    asked: list[str] = []
    problems: list[str] = []
    wide: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        for file in pages:
            page.goto(file.as_uri(), wait_until="domcontentloaded")
            document = "document.documentElement"
            if page.evaluate(f"{document}.scrollWidth > {document}.clientWidth"):
                wide.append(str(file.relative_to(site)))
        page.goto((site / "axes" / "security.html").as_uri())
        page.locator("label[for=__search]").first.click()
        page.locator(".md-search__input").type("calibrate")
        page.locator(".md-search-result__item").first.wait_for()
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert (problems, wide) == ([], [])
