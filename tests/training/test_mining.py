"""Pairs mined from real repositories: which commits give one, and that every other is accounted
for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from review_core.errors import ConfigurationError, InputError
from review_core.languages import language_named
from review_core.pairing import changed_functions
from review_core.records import PreferencePair, read_pairs
from review_core.types import FileChange
from training.mining.clones import Clone, find_clones, is_never_mined, never_mined
from training.mining.edits import code_tokens
from training.mining.licences import is_allowed, licence_of_text
from training.mining.parts import Ledger, Parts
from training.mining.run import pipeline
from training.mining.settings import MineSettings

if TYPE_CHECKING:
    from tests.conftest import GitRepository

MIT = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this\n"
    "software ... The above copyright notice and this permission notice shall be included\n"
)
BASE = (
    "def total(values):\n    count = 0\n    for value in values:\n        count += value\n"
    "    return count / len(values)\n"
)
HEAD = BASE.replace("    count = 0\n", "    if not values:\n        return 0\n    count = 0\n")

LANGUAGES = {
    "a.py": ("Python", BASE, HEAD),
    "a.c": (
        "C",
        "int f(int *p) {\n  return *p + 1;\n}\n",
        "int f(int *p) {\n  if (!p) return 0;\n  return *p + 1;\n}\n",
    ),
    "a.go": (
        "Go",
        "package a\n\nfunc f(p *int) int {\n\treturn *p\n}\n",
        "package a\n\nfunc f(p *int) int {\n\tif p == nil {\n\t\treturn 0\n\t}\n\treturn *p\n}\n",
    ),
    "A.java": (
        "Java",
        "class A {\n  int f(String s) {\n    return s.length();\n  }\n}\n",
        "class A {\n  int f(String s) {\n    return s == null ? 0 : s.length();\n  }\n}\n",
    ),
    "a.ts": (
        "TypeScript",
        "function f(s?: string) {\n  return s.length;\n}\n",
        "function f(s?: string) {\n  return s?.length ?? 0;\n}\n",
    ),
    "a.rb": ("Ruby", "def f(s)\n  s.size + 1\nend\n", "def f(s)\n  s.to_s.size + 1\nend\n"),
    "A.cs": (
        "C#",
        "class A {\n  int F(string s) {\n    return s.Length;\n  }\n}\n",
        "class A {\n  int F(string s) {\n    return s?.Length ?? 0;\n  }\n}\n",
    ),
}


def mined(
    out: Path, paths: Sequence[Path], **settings: Any
) -> tuple[list[PreferencePair], dict[str, Ledger]]:
    """The pairs and ledgers of clones, by the steps alone, in this process."""
    clones, parts = find_clones(paths), Parts(out)
    data = None
    for step in pipeline(clones, parts, MineSettings(**settings)):
        data = step(data, 0, 1)
    deque(data, maxlen=0)
    ledgers = {clone.name: ledger for clone in clones if (ledger := parts.ledger(clone))}
    assert all(ledger.adds_up for ledger in ledgers.values())
    return list(parts.pairs(clones)), ledgers


@pytest.fixture
def project(repository: GitRepository) -> GitRepository:
    """A repository under the MIT licence that comes from somewhere."""
    repository.git("remote", "add", "origin", "https://user:secret@example.org/ada/engine.git")
    repository.write("LICENSE", MIT)
    repository.commit("start", a=BASE)
    return repository


def change(project: GitRepository, message: str, head: str, name: str = "a.py") -> str:
    project.write(name, head)
    return project.commit(message)


def test_a_fix_gives_a_pair_with_all_that_is_known_of_it(
    project: GitRepository, tmp_path: Path
) -> None:
    hash_ = change(project, "Fix crash of an empty list (#12)\n\nIt divided by zero.\n", HEAD)
    (pair,), ledgers = mined(tmp_path / "out", [project.path])
    assert pair == PreferencePair(
        input="Fix crash of an empty list. It divided by zero.",
        chosen=HEAD.rstrip("\n"),
        rejected=BASE.rstrip("\n"),
        language="Python",
        aspect="Functional_Correctness",
        source=f"ada/engine@{hash_}:a.py",
        subset="COMMITS",
        licence="MIT",
        date="2026-01-02",
        idx=f"ada/engine@{hash_}:a.py#0",
    )
    assert pair.group == "ada/engine"
    assert ledgers["ada/engine"].dropped == {"the first commit": 1}


def test_functions_are_cut_and_paired_as_a_review_cuts_them(
    project: GitRepository, tmp_path: Path
) -> None:
    for name, (_, base, _) in LANGUAGES.items():
        project.write(name, base)
    project.commit("start")
    for name, (_, _, head) in LANGUAGES.items():
        change(project, f"Fix crash with nothing in {name}", head, name)
    pairs, _ = mined(tmp_path / "out", [project.path])
    found = {pair.language: (pair.rejected, pair.chosen) for pair in pairs}
    for name, (language, base, head) in LANGUAGES.items():
        known = language_named(language)
        assert known is not None
        (function,) = changed_functions(FileChange(name, base, head), known)
        assert function.base is not None
        assert function.head is not None
        assert found.pop(language) == (function.base.text, function.head.text)
    assert not found


def test_every_commit_that_gives_no_pair_is_counted_with_its_reason(
    project: GitRepository, tmp_path: Path
) -> None:
    project.write("b.py", "def other(x):\n    return x + 1\n")
    project.write("test_a.py", "def test_a():\n    assert total([1]) == 1\n")
    project.commit("several files")
    project.git("checkout", "--quiet", "-b", "side")
    change(project, "Fix crash in docs", "text\n", "notes.md")
    project.git("checkout", "--quiet", "main")
    project.git("merge", "--quiet", "--no-ff", "--message", "merge", "side")
    wrong = change(project, "Fix crash the wrong way", BASE.replace("0", "1"))
    change(project, f'Revert "Fix crash the wrong way"\n\nThis reverts commit {wrong}.', BASE)
    change(project, "Fix wrong sum of negative numbers", BASE.replace("+= value", "+= abs(value)"))
    change(project, 'Revert "Fix wrong sum of negative numbers"', BASE)
    change(project, "Fix crash of the empty sum", "def test_a():\n    pass\n", "test_a.py")
    change(project, "Fix crash in a comment", BASE.replace("count = 0", "count = 0  # none"))
    change(project, "Fix wrong sum of no values", BASE.replace("count = 0", "count  =  0"))
    change(project, "Use another way", BASE.replace("count += value", "count = count + value"))
    change(project, "Simplify the loop", HEAD)
    change(project, "Fix crash of strings", HEAD.replace("return 0", "return 'zero'"))
    change(project, "Fix wrong text", HEAD.replace("return 0", "return 'nothing'"))
    change(project, "Fix crash here", HEAD.replace("len(values)", "len(values"))
    project.git("mv", "b.py", "c.py")
    project.commit("Fix crash by moving")
    pairs, ledgers = mined(tmp_path / "out", [project.path])
    assert [pair.input for pair in pairs] == ["Fix crash of strings."]
    assert ledgers["ada/engine"].dropped == {
        "the first commit": 1,
        "several code files": 2,  # a move is one gone and one new
        "no code file": 1,
        "a merge": 1,
        "a revert": 2,
        "reverted later": 2,
        "only tests": 1,
        "its message says nothing of code": 1,  # a comment
        "functions: only comments or layout": 1,
        "no criterion in its message": 1,
        "functions: promised to be smaller, and grew": 1,
        "functions: only strings": 1,
        "functions: a syntax error": 1,
    }
    assert ledgers["ada/engine"].commits == 17


def test_code_that_only_moved_and_imports_alone_teach_nothing(
    project: GitRepository, tmp_path: Path
) -> None:
    body = "".join(f"    step_{n} = prepare(values, {n})\n" for n in range(8))
    change(project, "long", f"import os\n\n\ndef run(values):\n{body}    return step_7\n")
    moved = (
        "import os\n\n\ndef run(values):\n    return steps(values)\n\n\n"
        f"def steps(values):\n{body}    return step_7\n"
    )
    change(project, "Refactor: extract the steps into a function", moved)
    change(project, "Remove unused code", moved.replace("import os\n\n\n", "import re\n\n\n"))
    pairs, ledgers = mined(tmp_path / "out", [project.path])
    assert not pairs
    dropped = ledgers["ada/engine"].functions_dropped
    assert dropped["code moved between functions"] == 1
    assert dropped["a new or gone function"] == 1
    assert dropped["only imports"] == 1


def test_what_a_string_holds_is_left_out_but_not_the_code_in_it() -> None:
    python = language_named("Python")
    assert python is not None
    assert code_tokens('f"a {total + 1} b"', python) == code_tokens('f"c {total + 1}"', python)
    assert code_tokens('f"a {total}"', python) != code_tokens('f"a {other}"', python)
    assert code_tokens('x = "a"  # b', python) == ["x", "=", '""']


def test_companions_are_texts_unless_more_or_less_is_asked_for(
    project: GitRepository, tmp_path: Path
) -> None:
    project.write("CHANGES.md", "fixed\n")
    change(project, "Fix crash of an empty list", HEAD)
    project.write("test_a.py", "def test_a():\n    pass\n")
    change(project, "Fix wrong result", HEAD.replace("return 0", "return 0.0"))
    found = {}
    for companions in ("none", "text", "tests"):
        pairs, _ = mined(tmp_path / companions, [project.path], companions=companions)
        found[companions] = sorted(pair.input for pair in pairs)
    assert found == {
        "none": [],
        "text": ["Fix crash of an empty list."],
        "tests": ["Fix crash of an empty list.", "Fix wrong result."],
    }


def test_a_range_of_dates_splits_a_history(project: GitRepository, tmp_path: Path) -> None:
    for day, head in (("2018-05-01", HEAD), ("2020-05-01", HEAD.replace("return 0", "return 1"))):
        project.write("a.py", head)
        project.git("commit", "--quiet", "-a", "-m", f"Fix wrong sum {day}", "--date", day)
    train, _ = mined(tmp_path / "train", [project.path], until="2019-03-01")
    test, ledgers = mined(tmp_path / "test", [project.path], since="2019-06-01", until="2021-02-01")
    assert [pair.date for pair in train] == ["2018-05-01"]
    assert [pair.date for pair in test] == ["2020-05-01"]
    assert ledgers["ada/engine"].dropped["outside of the dates"] == 1
    with pytest.raises(ConfigurationError, match="YYYY-MM-DD"):
        mined(tmp_path / "none", [project.path], since="March")


def test_the_newest_pairs_fill_a_repositorys_share_and_none_comes_twice(
    project: GitRepository, tmp_path: Path
) -> None:
    for number in range(4):
        change(project, f"Fix crash, kind {number}", HEAD.replace("return 0", f"return {number}"))
    pairs, ledgers = mined(tmp_path / "capped", [project.path], per_criterion=2)
    assert [pair.input[-2] for pair in pairs] == ["3", "2"]
    assert ledgers["ada/engine"].dropped["enough pairs of its criterion"] == 2
    change(project, "back", BASE)
    change(project, "Fix crash again", HEAD)
    _, ledgers = mined(tmp_path / "twice", [project.path])
    assert ledgers["ada/engine"].functions_dropped["seen in a newer commit"] == 1


# --- repositories --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (MIT, "MIT"),
        ("Apache License\nVersion 2.0, January 2004", "Apache-2.0"),
        ("GNU GENERAL PUBLIC LICENSE\nVersion 3", "GPL"),
        ("GNU LESSER GENERAL PUBLIC LICENSE", "LGPL"),
        ("You may do as I say.", None),
        (MIT + "“Commons Clause” License Condition", None),
    ],
)
def test_a_licence_is_known_by_its_text(text: str, licence: str | None) -> None:
    assert licence_of_text(text) == licence


def test_every_licence_of_a_repository_has_to_be_wanted() -> None:
    assert is_allowed("Apache-2.0 AND MIT", ("permissive",))
    assert is_allowed("Apache-2.0 AND MIT", ("MIT", "Apache-2.0"))
    assert not is_allowed("Apache-2.0 AND MIT", ("MIT",))
    assert not is_allowed("GPL AND MIT", ("permissive",))
    assert not is_allowed(None, ("permissive",))
    assert is_allowed(None, ("any",))


def test_a_repository_under_another_licence_is_not_read(
    project: GitRepository, tmp_path: Path
) -> None:
    change(project, "Fix crash of an empty list", HEAD)
    project.write("COPYING", "GNU GENERAL PUBLIC LICENSE Version 2")
    project.commit("relicense")
    pairs, ledgers = mined(tmp_path / "out", [project.path])
    assert not pairs
    assert ledgers["ada/engine"].refused == "its licence: GPL AND MIT"
    assert ledgers["ada/engine"].commits == 0
    pairs, _ = mined(tmp_path / "any", [project.path], licences=("any",))
    assert [pair.licence for pair in pairs] == ["GPL AND MIT"]


def test_repositories_to_evaluate_on_are_never_mined(
    project: GitRepository, tmp_path: Path
) -> None:
    change(project, "Fix crash of an empty list", HEAD)
    project.git("remote", "set-url", "origin", "git@example.org:Axios/AXIOS.git")
    pairs, ledgers = mined(tmp_path / "out", [project.path])
    assert not pairs
    assert ledgers["Axios/AXIOS"].refused == "for evaluation only"
    own = tmp_path / "own.txt"
    own.write_text("# mine\nsome/other # one\n", encoding="utf-8")
    pairs, _ = mined(tmp_path / "out", [project.path], evaluation_only=own)
    assert len(pairs) == 1, "another list is other settings: the repository is read again"


def test_a_clone_of_nobody_is_known_by_its_name_alone() -> None:
    names = never_mined(None)
    assert {"axios/axios", "pallets/werkzeug"} <= names
    assert is_never_mined(Clone("local/aiohttp", Path()), names)
    assert not is_never_mined(Clone("someone/aiohttp", Path()), names)


def test_a_list_that_is_none_names_its_line(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("a/b\njust a name\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"own\.txt:2 .*owner/name"):
        never_mined(own)


def test_clones_are_found_in_folders_and_called_by_remote_or_place(
    repository: GitRepository, tmp_path: Path
) -> None:
    root = tmp_path / "clones"
    root.mkdir()
    (root / "ada").mkdir()
    for folder in ("ada/engine", "bob+tool", "eve__thing", "plain"):
        repository.another(root / folder)
    repository.another(root / "bare.git", "--bare")
    remote = repository.another(root / "remote")
    remote.git("remote", "add", "origin", "ssh://git@example.org:22/x y/z.git")
    assert [clone.name for clone in find_clones([root])] == [
        "bob/tool",
        "eve/thing",
        "local/bare",
        "local/engine",
        "local/plain",
        "x-y/z",
    ]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: None])
def test_what_is_no_repository_is_named(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "thing"
    make(path)
    with pytest.raises(InputError, match="thing is not a git repository and holds none"):
        find_clones([path])


def test_two_clones_of_one_name_are_told(repository: GitRepository, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        other = repository.another(tmp_path / folder)
        other.git("remote", "add", "origin", "https://example.org/a/b")
    with pytest.raises(InputError, match="both a/b"):
        find_clones([tmp_path / "first", tmp_path / "second"])


def test_an_empty_repository_gives_nothing(repository: GitRepository, tmp_path: Path) -> None:
    pairs, ledgers = mined(tmp_path / "out", [repository.path])
    assert not pairs
    assert [ledger.refused for ledger in ledgers.values()] == ["no commits"]


def test_a_shallow_clone_is_mined_as_far_as_it_goes(project: GitRepository, tmp_path: Path) -> None:
    change(project, "Fix wrong start", BASE.replace("0", "1"))
    change(project, "Fix crash of an empty list", HEAD)
    clone = tmp_path / "shallow"
    project.git("clone", "--quiet", "--depth", "2", f"file://{project.path}", str(clone))
    pairs, ledgers = mined(tmp_path / "out", [clone])
    assert [pair.input for pair in pairs] == ["Fix crash of an empty list."]
    assert ledgers["local/shallow"].dropped == {"the first commit": 1}


def test_a_clone_without_its_files_loses_commits_and_a_broken_one_fails_alone(
    project: GitRepository, tmp_path: Path
) -> None:
    change(project, "Fix crash of an empty list", HEAD)
    blob = project.git("rev-parse", "HEAD~1:a.py")
    (project.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    broken = project.another(tmp_path / "broken")
    broken.write("LICENSE", MIT)
    broken.commit("one", a=BASE)
    tree = broken.git("rev-parse", "HEAD^{tree}")
    change(broken, "Fix crash of an empty list", HEAD)
    (broken.path / ".git/objects" / tree[:2] / tree[2:]).unlink()
    pairs, ledgers = mined(tmp_path / "out", [project.path, broken.path])
    assert not pairs
    assert ledgers["ada/engine"].dropped["its files are not in the clone"] == 1
    assert ledgers["local/broken"].failed
    assert "git fsck" in (ledgers["local/broken"].refused or "")


def test_what_is_finished_is_not_read_again_until_it_changes(
    project: GitRepository, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    change(project, "Fix crash of an empty list", HEAD)
    mined(out, [project.path])
    ledger = out / "ada+engine.json"
    first = ledger.stat().st_mtime_ns
    mined(out, [project.path])
    assert ledger.stat().st_mtime_ns == first
    mined(out, [project.path], executor="ray", workers=7, minutes=1.0)
    assert ledger.stat().st_mtime_ns == first, "where it runs changes no pair"
    pairs, _ = mined(out, [project.path], per_criterion=0)
    assert not pairs
    change(project, "Fix wrong result", HEAD.replace("return 0", "return 0.0"))
    pairs, _ = mined(out, [project.path])
    assert len(pairs) == 2
    assert [each for each in read_pairs(out / "ada+engine.jsonl.zst")] == pairs


def test_what_stands_around_a_changed_function_is_no_example_of_its_own(
    project: GitRepository, tmp_path: Path
) -> None:
    change(project, "Fix crash of no values", "LEAST = 1\nMOST = 2\n\n\n" + HEAD)
    change(project, "Fix wrong limit of values", "LEAST = 0\nMOST = 2\n\n\n" + HEAD)
    pairs, ledgers = mined(tmp_path / "out", [project.path])
    assert [(pair.rejected[:9], pair.input) for pair in pairs] == [
        ("LEAST = 1", "Fix wrong limit of values."),  # alone, it is what the commit is for
        ("def total", "Fix crash of no values."),
    ]
    dropped = ledgers["ada/engine"].functions_dropped
    assert sum(dropped.values()) == 1
