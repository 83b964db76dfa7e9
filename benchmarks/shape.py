"""Writes a checkpoint of the published Themis-RM shape with random weights.

    python -m benchmarks.shape OUT --tokenizer QWEN_FOLDER [--layers 28 ...]

Speed and memory depend on the shape and not on what the weights say, so this stands in for
Themis-RM-0.6B wherever a checkpoint cannot be had: configuration, vocabulary, chat layout and head
are those of the published model, the weights are drawn. The tokenizer is that of any Qwen2.5 or
Qwen3 model, which are the same but for four added tokens; the criterion prompts are stand-ins of
ours, of the published ones' length. Beside the checkpoint, in which nobody would look for them,
stand the prompts: OUT.prompts.json, as `themis-export bundle --prompts` reads them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stand_in_prompts import stand_in_prompts
from model_export.prompts import Prompts

ADDED_BY_QWEN3 = ("<tool_response>", "</tool_response>", "<think>", "</think>")
"""What Qwen3's tokenizer has beyond Qwen2.5's, in the order of their ids."""

TEMPLATE = (
    "{%- for message in messages -%}<|im_start|>{{ message.role }}\n"
    "{%- if message.role == 'assistant' and loop.last %}{{ '\n<think>\n\n</think>\n\n' }}"
    "{%- else %}{{ '\n' }}{% endif -%}{{ message.content }}<|im_end|>{{ '\n' }}{%- endfor -%}"
)
"""For system, user and assistant in turn it gives what Qwen3's own template gives, the empty
thought before the last answer included."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Qwen3 model; the defaults are Themis-RM-0.6B's."""

    layers: int = 28
    hidden: int = 1024
    heads: int = 16
    kv_heads: int = 8
    head_dim: int = 128
    ffn: int = 3072
    vocabulary: int = 151_936


def write_checkpoint(out: Path, tokenizer: Path, shape: Shape | None = None, seed: int = 0) -> Path:
    """A checkpoint folder as its authors would publish it, in bf16; returns its file of prompts.

    :param tokenizer: a folder with a Qwen tokenizer.json.
    """
    import torch
    from tokenizers import AddedToken, Tokenizer
    from transformers import AutoModelForSequenceClassification, Qwen3Config

    shape = shape or Shape()
    words = Tokenizer.from_str(_without_fillers((tokenizer / "tokenizer.json").read_text("utf-8")))
    new = [name for name in ADDED_BY_QWEN3 if words.token_to_id(name) is None]
    words.add_tokens([AddedToken(name, special=False, normalized=False) for name in new])
    if words.get_vocab_size() > shape.vocabulary:
        raise ValueError(
            f"{tokenizer} has {words.get_vocab_size()} tokens, more than {shape.vocabulary}"
        )
    config = Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.ffn,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=40_960,
        rope_theta=1_000_000.0,
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
        pad_token_id=words.token_to_id("<|endoftext|>"),
        num_labels=1,
    )
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(out)
    words.save(str(out / "tokenizer.json"))
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": TEMPLATE,
        "pad_token": "<|endoftext|>",
    }
    (out / "tokenizer_config.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    prompts = out.parent / f"{out.name}.prompts.json"
    Prompts(stand_in_prompts(), "benchmarks/stand_in_prompts.py").write(prompts)
    return prompts


def _without_fillers(tokenizer: str) -> str:
    """A tokenizer.json without the names that a conversion from GGUF gives to unused ids."""
    document = json.loads(tokenizer)
    words = document["model"]["vocab"]
    document["model"]["vocab"] = {word: at for word, at in words.items() if word != f"[PAD{at}]"}
    return json.dumps(document)


def main() -> None:
    """Write one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, help="the folder to write, about 1.2 GB at full size")
    parser.add_argument("--tokenizer", type=Path, required=True, help="a Qwen model's folder")
    parser.add_argument("--seed", type=int, default=0)
    for name, default in ((field, getattr(Shape(), field)) for field in Shape.__slots__):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    given = parser.parse_args()
    shape = Shape(**{name: getattr(given, name) for name in Shape.__slots__})
    print(write_checkpoint(given.out, given.tokenizer, shape, given.seed))


if __name__ == "__main__":
    main()
