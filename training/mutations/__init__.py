"""Injects one realistic bug into a snippet, by edits of its syntax tree. Judges no code itself.

The mutants make preference pairs of which we know the better side: the snippet as it was against
itself with the bug. A mutation that syntax can tell to change nothing is left out.
"""

from __future__ import annotations

from training.mutations.kinds import KINDS, injected_bugs
from training.mutations.pairs import injected_pairs

__all__ = ["KINDS", "injected_bugs", "injected_pairs"]
