"""Signatures of deliveries."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.secrets import Secret
from github_app.signature import is_signed, signature

# GitHub's own, from "Validating webhook deliveries".
SECRET, BODY = Secret("It's a Secret to Everybody"), b"Hello, World!"
HEADER = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_githubs_documented_example_is_signed() -> None:
    assert signature(SECRET, BODY) == HEADER
    assert is_signed((SECRET,), BODY, HEADER)


def test_one_of_several_secrets_suffices_and_without_any_nothing_is_signed() -> None:
    assert is_signed((Secret("new"), SECRET), BODY, HEADER)
    assert not is_signed((Secret("new"), Secret("newer")), BODY, HEADER)
    assert not is_signed((), BODY, HEADER)


@given(position=st.integers(0, len(HEADER) - 1), other=st.characters(max_codepoint=255))
def test_a_header_that_differs_anywhere_does_not_sign(position: int, other: str) -> None:
    changed = HEADER[:position] + other + HEADER[position + 1 :]
    assert is_signed((SECRET,), BODY, changed) == (changed == HEADER)


@given(st.binary(max_size=60), st.text(max_size=80) | st.none())
def test_no_text_whatever_signs_or_raises(body: bytes, header: str | None) -> None:
    assert not is_signed((SECRET,), body, header)


def test_the_comparison_does_not_stop_at_the_first_difference() -> None:
    """Every secret is compared, by hmac.compare_digest and not by ==."""
    calls: list[bytes] = []
    original = hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        calls.append(one)
        return original(one, other)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hmac, "compare_digest", counted)
        assert is_signed((SECRET, Secret("b"), Secret("c")), BODY, HEADER)
    assert len(calls) == 3
