"""Tiny real models for this folder's tests."""

from tiny_models import tiny_bundle, tiny_checkpoint, tiny_tokenizer

__all__ = ["tiny_bundle", "tiny_checkpoint", "tiny_tokenizer"]
