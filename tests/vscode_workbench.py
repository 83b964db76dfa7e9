"""A real VS Code workbench for tests: code-server, our .vsix installed, in a headless Chromium.

One server and one browser serve all tests of a module; each test opens a window of its own. What a
person sees is kept as pictures in `.artifacts/vscode`, a failure's last sight as well.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote

from editor_sessions import ROOT, editor_environment
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect, sync_playwright
from tools import tool

PICTURES = Path(os.environ.get("THEMIS_ARTIFACTS", ROOT / ".artifacts")) / "vscode"
PATIENCE = 120.0
"""Seconds that anything in the window may take, on a busy machine."""

QUIET: Mapping[str, Any] = {
    "editor.minimap.enabled": False,
    "editor.stickyScroll.enabled": False,
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "files.autoSave": "off",
    "remote.autoForwardPorts": False,
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "window.commandCenter": False,
    "workbench.editor.empty.hint": "hidden",
    "workbench.enableExperiments": False,
    "workbench.layoutControl.enabled": False,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
}

_Answer = TypeVar("_Answer")


class Window:
    """One window of the workbench, and what tests do in it again and again."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def picture(self, name: str) -> None:
        """Keep what is seen."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")

    def see(self, selector: str, text: str | re.Pattern[str] | None = None) -> Locator:
        """The first element of this kind that has the text, once it is there."""
        found = self.page.locator(selector, has_text=text).first
        found.wait_for()
        return found

    def line(self, text: str) -> Locator:
        """A line of the editor. What it shows as spaces are no-break spaces."""
        return self.see(".view-line", re.compile(re.escape(text).replace(r"\ ", r"\s")))

    def place_cursor(self, number: int) -> None:
        """Put the cursor at the start of a line, 1-based: by keyboard, since a click may scroll."""
        self.page.keyboard.press("Control+G")
        self.page.locator(".quick-input-widget input").first.fill(f":{number}")
        self.page.keyboard.press("Enter")
        self.see(".statusbar-item", f"Ln {number}, Col 1")

    def widen_side_bar(self, pixels: int) -> None:
        """Drag its edge to the right."""
        edge = self.see(".part.sidebar").bounding_box()
        assert edge is not None
        x, y = edge["x"] + edge["width"], edge["y"] + edge["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + pixels, y, steps=4)
        self.page.mouse.up()

    def command(self, title: str) -> None:
        """Run a command as the palette lists it."""
        self.page.keyboard.press("F1")
        self.page.locator(".quick-input-widget input").first.fill(f">{title}")
        self.see(".quick-input-list .monaco-list-row", title)
        self.page.keyboard.press("Enter")

    def hover(self, line: str, word: str) -> str:
        """What is told of a word, asked again until it is about our verdicts."""
        where = self.line(line).get_by_text(word, exact=True).first
        told = self.page.locator(".monaco-hover:not(.hidden)", has_text="Themis")

        def ask() -> bool:
            self.page.mouse.move(2, 2)
            where.hover()
            self.page.wait_for_timeout(700)
            return told.count() > 0

        eventually(ask, f"hover over {word}")
        return str(told.first.inner_text())

    def choose_action(self, title: str) -> None:
        """Open the quick fixes at the cursor and choose the first that begins so, by keyboard."""
        self.page.keyboard.press("Control+.")
        self.see(".action-widget .monaco-list-row.action", title)
        titles = self.page.locator(".action-widget .monaco-list-row.action").all_inner_texts()
        for _ in range(next(n for n, each in enumerate(titles) if each.startswith(title))):
            self.page.keyboard.press("ArrowDown")
        expect(self.see(".action-widget .monaco-list-row.focused")).to_contain_text(title)

    def status(self) -> str:
        """What our item of the status bar tells a screen reader."""
        item = self.see("[id='themis-review.themis-review.themis.status'] a")
        return str(item.get_attribute("aria-label"))

    def webview(self) -> FrameLocator:
        """What is inside the open webview."""
        return self.page.frame_locator("iframe.webview.ready").frame_locator("#active-frame")


class Workbench:
    """A running code-server, and the browser that looks at it."""

    def __init__(
        self,
        browser: Browser,
        process: subprocess.Popen[bytes],
        data: Path,
        results: Path,
        url: str,
    ) -> None:
        self.browser = browser
        self.process = process
        self.data = data
        self.results = results
        """Where tests inside its extension host write what they found."""
        self.url = url

    @contextmanager
    def window(
        self,
        folder: Path,
        file: Path | None = None,
        *,
        name: str,
        more: Mapping[str, str] = MappingProxyType({}),
        **settings: Any,
    ) -> Iterator[Window]:
        """A window on a folder, with a file open; closed at the end.

        more: options of a desktop's command line, as the web's workbench takes them.
        """
        user = self.data / "User"
        user.mkdir(parents=True, exist_ok=True)
        (user / "settings.json").write_text(json.dumps({**QUIET, **settings}), encoding="utf-8")
        opened = [*more.items(), *([("openFile", self.remote(file))] if file else [])]
        context = self.browser.new_context(viewport={"width": 1280, "height": 760})
        context.set_default_timeout(PATIENCE * 1000)
        window = Window(context.new_page())
        try:
            window.page.goto(f"{self.url}/?{query(folder=folder, payload=json.dumps(opened))}")
            window.see(".monaco-workbench .statusbar")
            yield window
        except BaseException:
            window.picture(f"failed-{name}")
            raise
        finally:
            context.close()

    def remote(self, path: Path) -> str:
        """The URI of a file of this machine, as the browser's side of the workbench names it."""
        return f"vscode-remote://{self.url.removeprefix('http://')}{path}"

    def servers(self) -> list[int]:
        """The process ids of the language servers that it runs."""
        return [
            pid
            for pid in descendants(self.process.pid)
            if any(Path(part).name == "themis-lsp" for part in command_line(pid))
            and not any(Path(part).name == "themis-lsp" for part in command_line(parent(pid)))
        ]


@contextmanager
def workbench(folder: Path) -> Iterator[Workbench]:
    """code-server with our extension, and a browser; only one at a time on a machine."""
    chromium = tool("chromium")
    data, results = folder / "data", folder / "host.json"
    with (
        one_at_a_time(),
        code_server(folder, data, THEMIS_HOST_RESULTS=results) as (process, url),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # Root, as CI runs, has no sandbox; and nothing is asked of the network.
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        expect.set_options(timeout=PATIENCE * 1000)
        yield Workbench(browser, process, data, results, url)
        browser.close()


@contextmanager
def code_server(
    folder: Path, data: Path, **environment: str | Path
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A running code-server with our extension, and its address; ended at the end."""
    start: list[str | Path] = [tool("node"), tool("code-server"), "--user-data-dir", data]
    start += ["--extensions-dir", folder / "extensions"]
    install = ["--install-extension", tool("themis-review.vsix")]
    address = f"127.0.0.1:{free_port()}"
    serve = ["--auth", "none", "--bind-addr", address, "--disable-telemetry"]
    serve.append("--disable-update-check")
    home = folder / "home"
    home.mkdir()
    # As if from a terminal: otherwise it takes its environment, PATH included, from a login shell.
    environment = editor_environment(home, VSCODE_CLI="1", **environment)
    with (folder / "code-server.log").open("wb") as log:
        told: dict[str, Any] = {"env": environment, "stdout": log, "stderr": log}
        subprocess.run([*start, *install], check=True, **told)
        process = subprocess.Popen([*start, *serve], stdin=subprocess.DEVNULL, **told)
        try:
            eventually(lambda: answers(f"http://{address}/healthz"), "code-server")
            yield process, f"http://{address}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Waits for other processes of this user that test in a browser, as xdist's workers would."""
    lock = Path(tempfile.gettempdir()) / f"themis-workbench-{os.getuid()}.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def eventually(ask: Callable[[], _Answer], what: str, seconds: float = PATIENCE) -> _Answer:
    """The first answer that is something."""
    give_up = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < give_up, f"nothing came of: {what}"
        time.sleep(0.05)
    return answer


def query(**parameters: object) -> str:
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in parameters.items())


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- processes, as Linux lists them ---------------------------------------------------------


def descendants(pid: int) -> list[int]:
    """All processes below one, parents first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        children.setdefault(parent(int(folder.name)), []).append(int(folder.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found[1:]


def parent(pid: int) -> int:
    """0 for a process that is gone."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(status.rpartition(")")[2].split()[1])


def command_line(pid: int) -> list[str]:
    """Empty for a process that is gone."""
    try:
        told = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return told.decode(errors="replace").split("\0")
