"""Which sequences a slow way of scoring is measured on, when all of them would take too long."""

from __future__ import annotations

from collections.abc import Sequence

from review_core.layout import TokenSequence


def sample(sequences: Sequence[TokenSequence], wanted: int, batch: int) -> list[int]:
    """Indices of about `wanted` sequences: batches of neighbours in length, evenly spaced from the
    shortest to the longest, so that batches are as even as those of the whole would be.

    :param wanted: 0 for all of them.
    """
    order = sorted(range(len(sequences)), key=lambda at: (len(sequences[at].ids), at))
    batches = [order[at : at + batch] for at in range(0, len(order), batch)]
    count = len(batches) if not wanted else max(1, min(len(batches), -(-wanted // batch)))
    # The middle of each of `count` equal parts.
    chosen = [batches[(2 * part + 1) * len(batches) // (2 * count)] for part in range(count)]
    return [at for each in chosen for at in each]
