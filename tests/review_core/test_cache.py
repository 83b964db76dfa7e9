"""Rewards are remembered by content, shared by processes, and never in the way."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from review_core.cache import RewardCache, cache_key, default_cache_path
from review_core.layout import TokenSequence

REWARDS = np.array([1.5, -2.25, 0.1], np.float32)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "rewards.sqlite"


def test_what_is_put_is_got_bit_for_bit_also_by_another_process_later(file: Path) -> None:
    RewardCache(file).put_many({key(1): REWARDS, key(2): REWARDS * 2})
    found = RewardCache(file).get_many([key(2), key(1), key(3)])
    assert set(found) == {key(1), key(2)}
    np.testing.assert_array_equal(found[key(1)], REWARDS)
    np.testing.assert_array_equal(found[key(2)], REWARDS * 2)


def test_many_keys_are_asked_in_one_call(file: Path) -> None:
    cache = RewardCache(file)
    cache.put_many({key(number): REWARDS for number in range(1300)})
    assert len(cache.get_many([key(number) for number in range(2000)])) == 1300
    assert cache.get_many([]) == {}


def test_a_key_is_the_model_the_tokens_and_which_of_them_are_code() -> None:
    bundle, other = "1" * 64, "2" * 64
    keys = [
        cache_key(bundle, TokenSequence((1, 2, 3), (0, 3))),
        cache_key(other, TokenSequence((1, 2, 3), (0, 3))),
        cache_key(bundle, TokenSequence((1, 2), (0, 3))),
        cache_key(bundle, TokenSequence((1, 2, 3), (0, 2))),
        cache_key(bundle, TokenSequence((3, 2, 1), (0, 3))),
        cache_key(bundle, TokenSequence((258, 3), (0, 3))),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == cache_key(bundle, TokenSequence((1, 2, 3), (0, 3)))


def test_what_was_used_longest_ago_goes_first(file: Path) -> None:
    """Entry 0 is read after every write, so it stays although it is the oldest."""
    ticks: Iterator[int] = count()
    cache = RewardCache(file, max_bytes=64 * 1024, clock=lambda: float(next(ticks)))
    for start in range(0, 3000, 100):
        cache.put_many({key(number): REWARDS for number in range(start, start + 100)})
        assert key(0) in cache.get_many([key(0)])
    left = {int.from_bytes(found) for found in cache.get_many([key(n) for n in range(3000)])}
    assert 0 in left
    assert 2999 in left
    assert 1 not in left
    assert 100 < len(left) < 1000
    with closing(sqlite3.connect(file)) as database:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
    assert pages * 4096 < 3 * 64 * 1024


def test_several_processes_write_at_once(file: Path) -> None:
    script = """
import sys
from pathlib import Path
import numpy as np
from review_core.cache import RewardCache
cache = RewardCache(Path(sys.argv[1]))
first = int(sys.argv[2])
for number in range(first, first + 60):
    cache.put_many({number.to_bytes(32, "big"): np.full(3, number, np.float32)})
    cache.get_many([number.to_bytes(32, "big")])
assert cache.working
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(file), str(first)])
        for first in (0, 60, 120)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(RewardCache(file).get_many([key(number) for number in range(180)])) == 180


def assert_goes_on_without(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        cache = RewardCache(path)
        cache.put_many({key(1): REWARDS})
        assert cache.get_many([key(1)]) == {}
        assert cache.get_many([key(1)]) == {}
    assert not cache.working
    (record,) = caplog.records  # said once
    assert f"the reward cache {path} cannot be used" in record.getMessage()


def test_a_damaged_file_is_reported_once_and_left_alone(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(b"this is no database, but it is long enough to be taken for one" * 50)
    assert_goes_on_without(file, caplog)
    assert file.read_bytes().startswith(b"this is no database")


def test_a_file_that_is_damaged_while_in_use_does_not_stop_the_run(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = RewardCache(file)
    cache.put_many({key(number): REWARDS for number in range(500)})
    for name in file.parent.iterdir():
        name.unlink() if name != file else name.write_bytes(
            b"\0" * 100 + file.read_bytes()[100:300]
        )
    with caplog.at_level(logging.WARNING):
        assert cache.get_many([key(1)]) == {}
        cache.put_many({key(1): REWARDS})
    assert len(caplog.records) == 1


def test_a_place_that_cannot_be_written_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    assert_goes_on_without(tmp_path / "file" / "rewards.sqlite", caplog)


def test_a_cache_of_another_version_is_not_touched(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("PRAGMA user_version = 7")
    assert_goes_on_without(file, caplog)


def test_the_default_place_is_the_users_cache() -> None:
    assert default_cache_path().name == "rewards.sqlite"
    assert "themis-review" in default_cache_path().parts


def test_a_cleared_cache_knows_nothing(tmp_path: Path) -> None:
    cache = RewardCache(tmp_path / "rewards.sqlite")
    cache.put_many({b"key": np.ones(3, np.float32)})
    cache.clear()
    assert cache.get_many([b"key"]) == {}
    assert cache.working
