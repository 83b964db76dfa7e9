"""Computes rewards for sets of token sequences, each distinct prefix once. Knows tokens only: no
code, cache or criteria.

The sequences become a prefix tree. A node is computed from the states of the nodes above it, so a
criterion prompt in front of many codes, a code in front of many prompts, and what two versions of a
function share are one mechanism. The reward head is linear and applied to every token, so pooling
happens here: a sequence's reward is a mean of rewards that belong to tokens, wherever in the tree
those tokens were computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from review_core.bundle import Bundle, Pooling, Variant
from review_core.errors import BundleError
from review_core.layout import TokenSequence
from review_core.prefixes import Ids, Node, fold, prefix_tree
from review_core.session import Row, Session, on_cpu, usable_providers
from review_core.states import BLOCK, KeptStates, Slices


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may take. None of it changes a reward beyond rounding (1e-5).

    rows: sequences read together. cells: rows x (past + new tokens) after padding, which is what
    memory grows with. run: most new tokens of one row; longer ones are read in pieces. state_bytes:
    for kept states, and again for those a run takes in and gives out; what does not fit is computed
    again when it is needed. kept_bytes: for states kept from one call to the next; None for
    64 MiB, or three quarters of the model's size: room for the prompts of large models. run_cost:
    what a run costs beside its tokens, in tokens: as many are padded or read twice to save one.
    """

    rows: int = 16
    cells: int = 4096
    run: int = 256
    state_bytes: int = 512 * 2**20
    kept_bytes: int | None = None
    run_cost: int = 12


ON_GPU = Limits(rows=64, cells=2**15, run=2**12, state_bytes=0, kept_bytes=0, run_cost=2**31 - 1)
"""Whole texts, many at once: a GPU reads a prompt again in less time than its states take to come
from the computer's memory, where they are kept (80 MB for 350 tokens of a 0.6B model).
"""


class Engine:
    """A bundle's graph, ready to run. Not for several threads at once.

    Opening it reads the weights and takes a while; `tokens_computed` counts what went through the
    model since.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 0, limits: Limits | None = None) -> None:
        """Open the best of the bundle's graphs that can run here.

        :param threads: how many a run may use; 0 for one a core that this process may use.
        :param limits: None for those that suit the device.
        :raises RuntimeMissingError: if onnxruntime is not installed.
        :raises BundleError: if no graph fits this machine, or it is not what the manifest says.
        """
        manifest = bundle.manifest
        variant, providers = _choose(bundle, usable_providers())
        self.variant = variant
        self._session = Session(
            bundle.path / variant.file, manifest.graph, threads=threads, providers=providers
        )
        unknown = [key for key, asked in manifest.criteria.items() if asked.head >= self.heads]
        if unknown:
            raise BundleError(
                f"{bundle.path / variant.file} has {self.heads} heads and none for {unknown[0]}; "
                "export the bundle again"
            )
        self._pooling = manifest.pooling
        self._limits = limits or (Limits() if on_cpu(providers) else ON_GPU)
        self._cells = self._limits.cells
        if self._limits.state_bytes:  # else a run takes no states in and gives none out
            room = self._limits.state_bytes // self._session.bytes_per_token
            self._cells = min(self._cells, room)
        self._kept_bytes = 0
        self._kept = KeptStates(_kept_bytes(self._limits, bundle, variant))
        self.tokens_computed = 0

    @property
    def heads(self) -> int:
        """How many rewards a sequence gets."""
        return self._session.heads

    def rewards(
        self, sequences: Sequence[TokenSequence], *, cancelled: Callable[[], bool] | None = None
    ) -> list[NDArray[np.float32]]:
        """The pooled rewards of each sequence, shape (heads,), in the order given.

        Mean pooling over no code at all is 0, the middle of the scale: an empty text has no tokens
        to judge. The same holds for a sequence without tokens under either pooling.

        :param cancelled: asked before every run of the model.
        :raises concurrent.futures.CancelledError: once `cancelled` says so.
        """
        found = dict(self.each(sequences, cancelled=cancelled))
        return [found[sequence] for sequence in sequences]

    def each(
        self, sequences: Iterable[TokenSequence], *, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[tuple[TokenSequence, NDArray[np.float32]]]:
        """Each distinct sequence with its rewards as `rewards` gives them, as soon as it is read.

        Who stops halfway has what was read until then.
        """
        wanted: dict[Ids, dict[TokenSequence, None]] = {}
        for sequence in sequences:
            wanted.setdefault(sequence.ids, {})[sequence] = None
        texts = [ids for ids in wanted if ids]
        for sequence in wanted.get((), ()):
            yield sequence, np.zeros(self.heads, np.float32)
        root = prefix_tree(texts, self._limits.run)
        self._kept_bytes = 0
        self._recall(root)
        fold(root, self._limits.run_cost)
        # Of many texts only what they share is worth keeping: nobody edits them all at once.
        few = len(texts) <= self._limits.rows
        ready = list(root.children)
        while ready:
            if cancelled is not None and cancelled():
                raise CancelledError
            batch = [node for node in ready if node.rewards is not None]
            if batch:
                ready = [node for node in ready if node.rewards is None]
            else:
                batch, ready = self._next_batch(ready)
                self._compute(batch, keep=few)
            for node in batch:
                if node.sequence is not None:
                    for sequence in wanted[node.sequence]:
                        yield sequence, self._pool(node, sequence.code)
                ready += node.children
                self._release(node)

    def _recall(self, root: Node) -> None:
        """Give the tree's nodes what is still known of them; one known in part becomes two."""
        waiting = list(root.children)
        while waiting:
            node = waiting.pop()
            path = _ids(node)
            blocks = self._kept.longest(path)
            known = min(len(blocks) * BLOCK, node.end) - node.start
            size = known * self._session.bytes_per_token
            if known <= 0 or self._kept_bytes + size > self._limits.state_bytes:
                continue  # nothing below can be known either
            upper = node.split(known) if known < len(node.ids) else node
            upper.state, upper.rewards = _cut(blocks, upper.start, upper.end)
            self._kept_bytes += size
            waiting += node.children if upper is node else []

    def _next_batch(self, ready: list[Node]) -> tuple[list[Node], list[Node]]:
        """Split off nodes to compute together: those deepest in the tree, so that what was begun is
        finished first.
        """
        ordered = sorted(ready, key=lambda node: (-node.start, -len(node.ids), node.ids))
        batch: list[Node] = []
        rest: list[Node] = []
        widest = common = 0
        for node in ordered:
            tokens, past = self._extent(node)
            width = max(widest, tokens) + past
            fits = (len(batch) + 1) * width <= self._cells
            # Pasts of one length only: what a token is added up with then stays in its place, and
            # a text gets the same reward to the last bit.
            alike = past == common and abs(widest - tokens) <= self._limits.run_cost
            if not batch or (len(batch) < self._limits.rows and fits and alike):
                batch.append(node)
                common, widest = past, max(widest, tokens)
            else:
                rest.append(node)
        return batch, rest

    def _extent(self, node: Node) -> tuple[int, int]:
        """How many tokens the node needs read, those of ancestors without a state included, and how
        many it need not.
        """
        past = sum(len(above.ids) for above in _kept_above(node))
        return node.end - past, past

    def _compute(self, batch: Sequence[Node], *, keep: bool) -> None:
        """Give every node of the batch its rewards and, if it will be continued, its state.

        :param keep: whether ends of texts are worth keeping for the next call, too.
        """
        rows: list[Row] = []
        for node in batch:
            kept = _kept_above(node)
            ids = tuple(token for below in node.path[len(kept) :] for token in below.ids)
            past = tuple(above.state for above in kept if above.state is not None)
            wanted = keep or bool(node.children)
            rows.append(Row(ids, past, keep_state=wanted and self._reserve(node, len(ids))))
        for node, row, reading in zip(batch, rows, self._session.run(rows), strict=True):
            self.tokens_computed += len(row.ids)
            node.rewards = reading.rewards[-len(node.ids) :]
            node.state = reading.state
            if node.state is not None:
                self._kept.keep(_ids(node), partial(_joined, node.path))

    def _reserve(self, node: Node, tokens: int) -> bool:
        """Whether there is room for the node's state, and its ancestors' are all there."""
        size = len(node.ids) * self._session.bytes_per_token
        keep = tokens == len(node.ids) and self._kept_bytes + size <= self._limits.state_bytes
        self._kept_bytes += size * keep
        return keep

    def _pool(self, node: Node, code: tuple[int, int]) -> NDArray[np.float32]:
        if self._pooling is Pooling.LAST:
            last: NDArray[np.float32] = _rewards(node)[-1]
            return last.copy()
        start, end = code
        if start >= end:
            return np.zeros(self.heads, np.float32)
        tokens = np.concatenate([_rewards(above) for above in node.path])  # tokens x heads
        mean: NDArray[np.float64] = tokens[start:end].mean(axis=0, dtype=np.float64)
        return mean.astype(np.float32)

    def _release(self, node: Node) -> None:
        """Let go of what nobody below needs any more, upwards from a computed node."""
        while node.waiting == 0 and node.parent is not None:
            if node.state is not None:
                self._kept_bytes -= len(node.ids) * self._session.bytes_per_token
            node.state = node.rewards = None
            node = node.parent
            node.waiting -= 1


def _choose(bundle: Bundle, usable: Sequence[str]) -> tuple[Variant, list[str]]:
    for best in usable:  # the machine's best provider comes before the bundle's first graph
        for variant in bundle.manifest.variants:
            if best in variant.providers:
                return variant, [name for name in usable if name in variant.providers]
    raise BundleError(
        f"{bundle.path} has no graph for {' or '.join(usable)}; export one that names it"
    )


def _kept_bytes(limits: Limits, bundle: Bundle, variant: Variant) -> int:
    if limits.kept_bytes is not None:
        return limits.kept_bytes
    own = (name for name in bundle.manifest.files if name.startswith(variant.file))
    size = sum((bundle.path / name).stat().st_size for name in own)
    return max(64 * 2**20, size * 3 // 4)


def _ids(node: Node) -> Ids:
    """All tokens down to the node's last."""
    return tuple(token for above in node.path for token in above.ids)


def _joined(path: Sequence[Node], start: int, end: int) -> Slices:
    """State and rewards of tokens start to end of a path whose nodes have both, as copies."""
    states, rewards = [], []
    for node in path:
        if node.start < end and node.end > start:
            own = slice(max(start - node.start, 0), end - node.start)
            if node.state is None:
                raise RuntimeError("a state was to be kept whose beginning is not at hand")
            states.append(node.state[:, :, own])
            rewards.append(_rewards(node)[own])
    return np.concatenate(states, axis=2), np.concatenate(rewards)


def _cut(blocks: Sequence[Slices], start: int, end: int) -> Slices:
    """State and rewards of tokens start to end of what the blocks hold from token 0 on."""
    first = start // BLOCK
    states, rewards = zip(*blocks[first : -(-end // BLOCK)], strict=True)
    own = slice(start - first * BLOCK, end - first * BLOCK)
    return np.concatenate(states, axis=2)[:, :, own], np.concatenate(rewards)[own]


def _kept_above(node: Node) -> list[Node]:
    """The unbroken run of ancestors, from the top, whose states are at hand."""
    kept: list[Node] = []
    for above in node.path[:-1]:
        if above.state is None:
            break
        kept.append(above)
    return kept


def _rewards(node: Node) -> NDArray[np.float32]:
    if node.rewards is None:
        raise RuntimeError("a node was pooled before it was computed")
    return node.rewards
