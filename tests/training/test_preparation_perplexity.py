"""How likely prompts are, and that what was computed is kept."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

from review_core.errors import InputError
from training.preparation.partial_results import PartialResults
from training.preparation.perplexity import BaseLikelihood, KenlmPerplexity, perplexity

ARPA = """\\data\\
ngram 1=5
ngram 2=1

\\1-grams:
-99\t<s>\t0
-0.5\t</s>
-0.5\tfix\t0
-1.5\tleak\t0
-2.0\t<unk>

\\2-grams:
-1.0\tfix leak

\\end\\
"""


@pytest.fixture(scope="module")
def base(tiny_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random causal base with a tokenizer."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("base")
    config = Qwen2Config(
        vocab_size=tiny_tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=48,
        num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(path)
    tiny_tokenizer.save(str(path / "tokenizer.json"))
    return path


def test_a_base_s_likelihood_is_transformers_own_loss_whatever_the_batch(
    base: Path, tiny_tokenizer: Tokenizer
) -> None:
    texts = ["Fix the leak", "x", "", "Fix the leak in the parser of files", "a b"]
    model = AutoModelForCausalLM.from_pretrained(base)
    expected = []
    for text in texts:
        ids = torch.tensor([tiny_tokenizer.encode(text).ids], dtype=torch.long)
        told = ids.shape[1] > 1
        expected.append(math.exp(model(input_ids=ids, labels=ids).loss.item()) if told else 1.0)
    for batch in (1, 2, 8):
        assert BaseLikelihood(base, batch)(texts) == pytest.approx(expected, rel=1e-4)


def test_a_kenlm_file_gives_its_perplexity(tmp_path: Path) -> None:
    """log10 of fix, leak after it and the end: -.5 - 1 - .5 = -2 in 3 words: 10^(2/3) = 4.642."""
    pytest.importorskip("kenlm")
    (tmp_path / "m.arpa").write_text(ARPA, encoding="utf-8")
    model = KenlmPerplexity(tmp_path / "m.arpa")
    assert model(["fix  leak\n"]) == pytest.approx([4.642], abs=1e-3)
    assert model(["fix leak", "what"])[1] > 10


def test_without_the_package_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.arpa").write_text(ARPA, encoding="utf-8")
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(InputError, match="pip install kenlm"):
        KenlmPerplexity(tmp_path / "m.arpa")


def test_files_that_are_no_models_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no KenLM file"):
        perplexity(tmp_path / "none.bin", None)
    if importlib.util.find_spec("kenlm"):
        (tmp_path / "m.bin").write_text("plain text", encoding="utf-8")
        with pytest.raises(InputError, match="not a KenLM file"):
            perplexity(tmp_path / "m.bin", None)
    with pytest.raises(InputError, match="no causal base"):
        perplexity(None, tmp_path)
    assert perplexity(None, None) is None


def test_what_was_computed_is_computed_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def compute(texts: list[str]) -> list[bytes]:
        asked.extend(texts)
        return [text.encode() for text in texts]

    many = [str(at) for at in range(1200)]
    with PartialResults(tmp_path / "partial.sqlite") as partial:
        assert partial.get("how", ["b", "a", "b"], compute) == [b"b", b"a", b"b"]
        assert partial.get("how", many, compute) == [text.encode() for text in many]
    with PartialResults(tmp_path / "partial.sqlite") as partial:
        assert partial.get("how", ["a", "c", *many], compute)[:2] == [b"a", b"c"]
        assert partial.get("another way", ["a"], compute) == [b"a"]
    assert asked == ["b", "a", *many, "c", "a"]


def test_another_file_is_not_taken_for_partial_results(tmp_path: Path) -> None:
    (tmp_path / "partial.sqlite").write_text("plain text, no database " * 99, encoding="utf-8")
    with pytest.raises(InputError, match="remove it"):
        PartialResults(tmp_path / "partial.sqlite")
