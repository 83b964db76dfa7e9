"""Programs and files that some tests need; `scripts/install-test-tools` installs them.

Where one truly cannot be had, its tests are skipped with the reason. In CI (`CI` is set) they fail
instead, so that nothing goes untested unseen.
"""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = Path(os.environ.get("THEMIS_TOOLS", ROOT / ".tools")).resolve()
EXTENSION = ROOT / "vscode-extension"
CODE_SERVER = FOLDER / "code-server/node_modules/code-server/out/node/entry.js"


def tool(name: str) -> Path:
    """The path of a program, a folder or a file: a key of the table below.

    Called in a fixture or a test: without the tool it skips, and in CI it fails.
    """
    path = _find(name)
    if path is not None:
        return path
    reason = f"{name} is not here; make test installs or builds it first, or says why it cannot"
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(reason)
    pytest.skip(reason)


def _find(name: str) -> Path | None:
    match name:
        case "node" | "npm" | "nvim" | "emacs":
            # Node of our own comes first: code-server's modules are built for that one.
            found = shutil.which(
                name, path=f"{FOLDER / 'node/bin'}{os.pathsep}{os.environ['PATH']}"
            )
            return Path(found) if found else None
        case "chromium":
            names = ("chromium", "chromium-browser", "google-chrome")
            return next((Path(found) for each in names if (found := shutil.which(each))), None)
        case "code-server":  # its entry, for node
            return _existing(CODE_SERVER)
        case "themis-review.vsix":  # the extension, packed
            return _existing(EXTENSION / "dist" / name)
        case "extension-host-tests":  # its tests that run inside an extension host
            return _existing(EXTENSION / "dist" / "host" / "index.js")
        case "postgresql":  # the folder of initdb, postgres and pg_ctl: the newest
            versions = sorted(
                Path("/usr/lib/postgresql").glob("*"), key=lambda each: int(each.name)
            )
            return _existing(versions[-1] / "bin") if versions else None
        # GitHub's own words
        case "api.github.com.json" | "ghes-3.19.json" | "schema.graphql" | "webhooks.json":
            return _existing(FOLDER / "github" / name)
        case "axe.min.js":  # the rules of accessibility, for a page in a browser
            return _existing(FOLDER / "axe" / name)
        case "sarif-2.1.0.json":  # the schema
            return _existing(FOLDER / "sarif" / name)
    raise ValueError(f"no test tool is called {name}")


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None
