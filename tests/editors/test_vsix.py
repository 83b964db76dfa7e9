"""The packed extension: small, complete, and nothing in it that is not for users."""

from __future__ import annotations

import json
import zipfile

import pytest
from editor_sessions import ROOT
from tools import tool

LARGEST = 300_000
"""Bytes: what is heavy is the server's, which is Python."""


@pytest.fixture
def vsix() -> zipfile.ZipFile:
    return zipfile.ZipFile(tool("themis-review.vsix"))


def test_the_package_has_what_a_marketplace_shows_and_is_small(vsix: zipfile.ZipFile) -> None:
    names = {name.removeprefix("extension/").lower() for name in vsix.namelist()}
    assert {
        "package.json",
        "readme.md",
        "changelog.md",
        "license.txt",
        "dist/extension.js",
    } <= names
    manifest = json.loads(vsix.read("extension/package.json"))
    assert manifest["icon"] in names
    assert tool("themis-review.vsix").stat().st_size < LARGEST


def test_the_package_holds_no_sources_tests_or_packages_of_the_build(
    vsix: zipfile.ZipFile,
) -> None:
    folders = ("src", "test", "node_modules", "scripts", "dist/host", "dist/test")
    unwanted = tuple(f"extension/{folder}/" for folder in folders)
    assert not [name for name in vsix.namelist() if name.startswith(unwanted)]
    assert not [name for name in vsix.namelist() if name.endswith((".map", ".ts", ".lock"))]


def test_the_package_explains_every_axis_as_the_pages_do(vsix: zipfile.ZipFile) -> None:
    """Links that lead out of the pages are words in the package, so titles are compared."""
    for page in (ROOT / "docs" / "axes").glob("*.md"):
        packed = vsix.read(f"extension/dist/axes/{page.name}").decode()
        assert packed.splitlines()[0] == page.read_text(encoding="utf-8").splitlines()[0]
