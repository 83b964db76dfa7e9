"""VS Code: what a person sees and does, in a real workbench with our .vsix and the real model."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest
from editor_sessions import FUNCTION, Shop
from playwright.sync_api import expect
from tools import EXTENSION, tool
from vscode_workbench import Window, Workbench, eventually, workbench

from review_core.feedback import FeedbackStore

pytestmark = [pytest.mark.editors, pytest.mark.bundle, pytest.mark.xdist_group("vscode")]

WHERE = "def find("
"""The line of the function that got worse, and a word that is told of on hover."""
WORD = "find"
QUERY = "query = f"


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with workbench(tmp_path_factory.mktemp("vscode")) as running:
        yield running


def seen(window: Window) -> None:
    window.see(".squiggly-warning")


def test_a_finding_is_shown_where_code_is_written(code: Workbench, shop: Shop) -> None:
    """Squiggle, lens, hover, Problems, status bar: one verdict, told five times alike."""
    with code.window(shop.path, shop.file, name="finding") as window:
        seen(window)
        lens = window.see(".codelens-decoration", "Themis").inner_text()
        assert "correctness worse" in lens
        told = window.hover(WHERE, WORD)
        assert FUNCTION in told
        for axis in ("correctness", "efficiency", "readability", "maintainability", "security"):
            assert axis in told
        window.picture("hover")
        window.page.mouse.move(2, 2)
        window.page.keyboard.press("Control+Shift+M")
        problem = window.see(".markers-panel .monaco-list-row", FUNCTION).inner_text()
        assert "correctness" in problem
        percentage = lens.split()[-2]
        assert f"{percentage} %" in problem.replace("\u00a0", " ")
        assert "Themis" in window.status()
        window.picture("problems")


def test_quick_fixes_silence_an_axis_and_take_a_change_back(code: Workbench, shop: Shop) -> None:
    with code.window(shop.path, shop.file, name="fixes") as window:
        seen(window)
        window.place_cursor(shop.line_of(QUERY))
        window.choose_action("Themis: ignore correctness")
        window.page.keyboard.press("Enter")
        window.line("# themis: ignore[correctness]")
        expect(window.page.locator(".squiggly-warning")).to_have_count(0)
        window.page.keyboard.press("Control+Z")
        seen(window)

        window.place_cursor(shop.line_of(QUERY))
        window.choose_action("Themis: take this change back")
        window.picture("quick-fixes")
        window.page.keyboard.press("Enter")
        window.line("parameters = [customer]")
        window.page.keyboard.press("Control+S")
        eventually(
            lambda: shop.file.read_text(encoding="utf-8") == shop.without_first_hunk(),
            "the change taken back, on disk",
        )


def test_changes_and_report_list_what_changed_and_lead_there(code: Workbench, shop: Shop) -> None:
    with code.window(shop.path, shop.file, name="changes") as window:
        seen(window)
        window.page.locator('.activitybar a[aria-label^="Themis Review"]').click(force=True)
        window.widen_side_bar(80)
        row = window.see(".monaco-list-row", FUNCTION)
        window.see(".monaco-list-row", "OrderStore.add_from_file")
        row.locator(".monaco-tl-twistie").click()
        window.see(".monaco-list-row", "correctness")
        window.picture("changes")
        row.locator(".monaco-icon-label").first.click()
        window.see(".statusbar-item", "Ln 18")
        window.page.keyboard.press("Control+Shift+M")
        window.see(".markers-panel .monaco-list-row", FUNCTION)
        window.place_cursor(shop.line_of(QUERY))
        window.picture("overview")

        window.command("Themis: Show Report")
        report = window.webview()
        expect(report.locator("body")).to_contain_text(FUNCTION)
        expect(report.locator("body")).to_contain_text("1 finding")
        window.picture("report")


def test_a_server_that_is_restarted_or_killed_comes_back(code: Workbench, shop: Shop) -> None:
    """By its command, and after kill -9: another process, and it answers."""
    with code.window(shop.path, shop.file, name="restart") as window:
        seen(window)
        # The window of the test before may still be closing.
        eventually(lambda: len(code.servers()) == 1, "one server")
        (first,) = code.servers()
        window.command("Themis: Restart Language Server")
        (second,) = eventually(lambda: set(code.servers()) - {first}, "another server")
        assert FUNCTION in window.hover(WHERE, WORD)
        os.kill(second, signal.SIGKILL)
        eventually(lambda: set(code.servers()) - {first, second}, "a third server")
        assert FUNCTION in window.hover(WHERE, WORD)
        window.picture("after-kill")


def test_an_untrusted_workspace_chooses_neither_program_nor_model(
    code: Workbench, shop: Shop
) -> None:
    """The workspace names a program and a bundle of its own. Trusted, the program is run."""
    ran = shop.path.parent / "ran"
    program = shop.repository.write("tool", f"#!/bin/sh\necho \"$@\" > '{ran}'\n")
    program.chmod(0o755)
    settings = json.dumps({"themis.server.command": [str(program)]})
    shop.repository.write(".vscode/settings.json", settings)
    shop.repository.write(".themis.toml", 'model = "stranger"\n')
    trust = {"security.workspace.trust.enabled": True}
    trust |= {"security.workspace.trust.startupPrompt": "never"}
    with code.window(shop.path, shop.file, name="untrusted", **trust) as window:
        window.see(".statusbar-item", "Restricted Mode")
        seen(window)
        window.picture("untrusted")
        assert not ran.exists()
    with code.window(shop.path, shop.file, name="trusted"):
        eventually(ran.exists, "the program of a trusted workspace")


def test_the_extensions_own_tests_pass_inside_an_extension_host(
    code: Workbench, shop: Shop
) -> None:
    tests = {
        "extensionDevelopmentPath": code.remote(EXTENSION),
        "extensionTestsPath": code.remote(tool("extension-host-tests")),
    }
    shop.repository.write(".themis.toml", "remember_findings = true\n")
    with code.window(shop.path, name="host", more=tests) as window:
        # Asked of the page, so that the browser goes on meanwhile.
        eventually(
            lambda: window.page.wait_for_timeout(100) or code.results.exists(), "results", 250
        )
        results = json.loads(code.results.read_text(encoding="utf-8"))
    failed = {each["name"]: each["detail"] for each in results if not each["isPassed"]}
    assert failed == {}
    assert len(results) > 8
    data = code.data.with_name("home") / "data"
    store = FeedbackStore(data / "themis-review" / "feedback.sqlite")
    (answer,) = store.answers(str(shop.path.resolve()))
    assert (answer.finding.function, answer.right) == (FUNCTION, True)
