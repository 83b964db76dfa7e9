"""The runtime installs and imports without the training frameworks, and nothing too early."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What the extras `train` and `export` bring, and what those bring.
FRAMEWORKS = {
    "accelerate", "datasets", "gguf", "onnx", "onnxscript", "optimum", "peft", "scipy",
    "sklearn", "torch", "transformers",
}  # fmt: skip

IMPORT_ALL = """
import importlib, json, pkgutil, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
imported = []
for package in ("review_core", "review_cli", "lsp_server", "github_app"):
    found = pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".")
    imported += [package, *(module.name for module in found)]
for name in imported:
    if not name.endswith(".__main__"):
        importlib.import_module(name)
print(json.dumps(imported))
"""


def modules_on_disk() -> set[str]:
    names = set()
    for package in ("review_core", "review_cli", "lsp_server", "github_app"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            names.add(".".join(part for part in parts if part != "__init__"))
    return names


def test_every_runtime_module_imports_without_the_frameworks() -> None:
    run = subprocess.run(
        [sys.executable, "-c", f"BLOCKED = {FRAMEWORKS!r}\n{IMPORT_ALL}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert set(json.loads(run.stdout)) == modules_on_disk()


def test_the_blocker_blocks() -> None:
    """So that the test above cannot pass by blocking nothing."""
    run = subprocess.run(
        [sys.executable, "-c", f"BLOCKED = {{'colorsys'}}\n{IMPORT_ALL}\nimport colorsys"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No module named 'colorsys'" in run.stderr


def top_level_imports(statement: str) -> set[str]:
    """The packages that a fresh interpreter imports for `statement`."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = re.findall(r"^import time:.*\| +(\S+)$", run.stderr, flags=re.MULTILINE)
    return {name.split(".")[0] for name in names}


def test_importing_the_review_pulls_neither_frameworks_nor_the_model_runtime() -> None:
    imported = top_level_imports("import review_core.api")
    assert "review_core" in imported
    assert imported & (FRAMEWORKS | {"onnxruntime", "rich", "click", "typer"}) == set()


def test_importing_the_command_pulls_nothing_heavy() -> None:
    imported = top_level_imports("import review_cli.main")
    assert "review_cli" in imported
    heavy = {"onnxruntime", "numpy", "tokenizers", "git", "tree_sitter"}
    assert imported & (FRAMEWORKS | heavy) == set()


def test_the_server_starts_without_the_model_runtime_and_its_worker_without_the_protocol() -> None:
    """The worker is what grows and is dropped; the server has to be small and start fast."""
    server = top_level_imports("import lsp_server.server, lsp_server.features, lsp_server.requests")
    assert "pygls" in server
    assert server & (FRAMEWORKS | {"onnxruntime", "tokenizers", "git", "tree_sitter"}) == set()
    worker = top_level_imports("import lsp_server.worker")
    assert worker & (FRAMEWORKS | {"onnxruntime", "pygls", "lsprotocol"}) == set()
    command = top_level_imports("import lsp_server.main")
    assert command & (FRAMEWORKS | {"onnxruntime", "numpy", "pygls", "lsprotocol"}) == set()


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="installs from the network; CI does")
def test_the_runtime_installs_from_nothing_and_reviews_the_demo_without_torch(
    tmp_path: Path,
) -> None:
    """The wheel, not the checkout: what is not packaged is missed here. About 20 s, mostly pip."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-qq", f"{ROOT}[cpu]"], check=True, cwd=tmp_path)
    listed = subprocess.run(
        [*pip, "list", "--format=json"], check=True, cwd=tmp_path, capture_output=True, text=True
    )
    installed = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert {"themis-review", "onnxruntime"} <= installed
    assert installed & {"torch", "transformers", "optimum", "onnx", "scikit-learn"} == set()

    review = subprocess.run(
        [tmp_path / "venv" / "bin" / "themis", "review", "--no-cache", "--format", "json"]
        + [ROOT / "examples" / "demo" / side for side in ("base", "head")],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "THEMIS_MODEL"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert review.returncode == 0, review.stderr
    assert len(json.loads(review.stdout)["functions"]) >= 8


def imported_modules(package: str) -> set[str]:
    """The top-level modules of others that a package imports anywhere, in functions too."""
    names = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"__future__"}


@pytest.mark.parametrize(
    ("package", "own", "extras"),
    [
        ("review_core", set(), ("cpu",)),
        ("review_cli", {"review_core"}, ("cpu", "mcp")),
        ("lsp_server", {"review_core"}, ("cpu", "lsp")),
        ("github_app", {"review_core"}, ("cpu", "app", "otel")),
        ("training", {"review_core"}, ("train", "scale", "perplexity", "kernels")),
        ("model_export", {"review_core", "training"}, ("export", "cpu")),
    ],
)
def test_a_package_imports_only_what_it_declares(
    package: str, own: set[str], extras: tuple[str, ...]
) -> None:
    """Programs import the core and not one another; what others wrote is in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["dependencies"] + [
        each for extra in extras for each in project["optional-dependencies"][extra]
    ]
    names = {_normal(re.split(r"[\[><=;! ]", each)[0]) for each in declared}
    distributions = importlib.metadata.packages_distributions()
    undeclared = {
        module
        for module in imported_modules(package) - own - {package}
        # What is not installed here (kernels for a GPU) is called as its module is.
        if not names & {_normal(name) for name in distributions.get(module, [module])}
    }
    assert undeclared == set()


def _normal(name: str) -> str:
    """A distribution's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
