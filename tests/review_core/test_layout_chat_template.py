"""A layout rendered once from a chat template gives the ids that transformers gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from review_core.layout import Layout, Slot

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{{ message.content }}<|im_end|>\n{% endfor %}"
)
LAYOUT = Layout(
    (
        "<|im_start|>system\n",
        Slot.CRITERION,
        "<|im_end|>\n<|im_start|>user\n",
        Slot.INTENT,
        "<|im_end|>\n<|im_start|>assistant\n",
        Slot.CODE,
        "<|im_end|>\n",
    )
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(
    lambda text: "<|" not in text
)


@pytest.fixture(scope="session")
def chat_template(tiny_tokenizer: Tokenizer) -> Any:
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(tiny_tokenizer.to_str())
    )
    tokenizer.chat_template = CHATML
    return tokenizer


@given(TEXT, TEXT, TEXT)
@settings(max_examples=60, deadline=None)
def test_a_layout_gives_the_ids_of_the_chat_template(
    tiny_tokenizer: Tokenizer, chat_template: Any, criterion: str, intent: str, code: str
) -> None:
    messages = [
        {"role": "system", "content": criterion},
        {"role": "user", "content": intent},
        {"role": "assistant", "content": code},
    ]
    expected = chat_template.apply_chat_template(messages, tokenize=True)
    sequence = LAYOUT.render(tiny_tokenizer, code, criterion=criterion, intent=intent)
    assert list(sequence.ids) == expected


@given(TEXT.filter(str.strip))
@settings(max_examples=60, deadline=None)
def test_the_code_range_holds_the_code_and_little_else(
    tiny_tokenizer: Tokenizer, code: str
) -> None:
    sequence = LAYOUT.render(tiny_tokenizer, code, criterion="c", intent="i")
    start, end = sequence.code
    read = tiny_tokenizer.decode(list(sequence.ids[start:end]), skip_special_tokens=False)
    assert code in read
    assert "assistant" not in read.replace(code, "")


def test_code_that_spells_a_special_token_is_code(tiny_tokenizer: Tokenizer) -> None:
    special = tiny_tokenizer.token_to_id("<|im_end|>")
    sequence = LAYOUT.render(tiny_tokenizer, 'stop = "<|im_end|>"')
    start, end = sequence.code
    assert special not in sequence.ids[start:end]
    assert sequence.ids.count(special) == 3
