"""One ONNX graph, open for running. Pads and unpads; what is run, and in which order, is the
engine's business.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from review_core import telemetry
from review_core.bundle import GraphShape
from review_core.cores import usable_cores
from review_core.errors import BundleError, RuntimeMissingError

State: TypeAlias = NDArray[np.float32]
"""Keys and values of some consecutive tokens: (2 * layers) x kv_heads x tokens x head_dim."""

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_PROVIDER_OPTIONS = {
    _CUDA: {"use_tf32": "0"}
}  # TF32 keeps 10 bits: the same text would differ by batch
_TEXT_INPUTS = ("input_ids", "attention_mask", "position_ids")
_REWARDS = "rewards"


@dataclass(frozen=True, slots=True)
class Row:
    """Tokens to read (at least one) and the states of all tokens before them, in order."""

    ids: tuple[int, ...]
    past: tuple[State, ...] = ()
    keep_state: bool = False
    """Whether the state of `ids` is wanted."""

    @property
    def past_tokens(self) -> int:
        """How many tokens stand before `ids`."""
        return sum(state.shape[2] for state in self.past)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a row: a reward for each of its tokens (tokens x heads), and their state if it
    was asked for.
    """

    rewards: NDArray[np.float32]
    state: State | None


class Session:
    """An onnxruntime session over a graph of DESIGN's contract: rewards at every token, states in
    and out.
    """

    def __init__(
        self,
        path: Path,
        shape: GraphShape,
        *,
        threads: int = 0,
        providers: Sequence[str] = (_CPU,),
    ) -> None:
        """Open the graph at `path`.

        :param threads: how many one run may use; 0 for one a core that this process may use.
        :raises RuntimeMissingError: if onnxruntime is not installed.
        :raises BundleError: if the file is not a graph, or not one of this contract and shape.
        """
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or usable_cores()
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.enable_mem_pattern = (
            False  # every batch has its own shape; a plan for each only grows
        )
        # Waiting threads sleep: beside other work, spinning ones cost time on the clock as well.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # stderr belongs to the program
        try:
            self._session = ort.InferenceSession(
                str(path),
                options,
                providers=[(name, _PROVIDER_OPTIONS.get(name, {})) for name in providers],
            )
        except _load_errors() as error:
            reason = str(error).splitlines()[0]
            raise BundleError(
                f"onnxruntime cannot load {path} ({reason}); export the bundle again"
            ) from error
        self._shape = shape
        self._past_names = [
            f"past_key_values.{layer}.{part}"
            for layer in range(shape.layers)
            for part in ("key", "value")
        ]
        self._present_names = [
            name.replace("past_key_values", "present") for name in self._past_names
        ]
        self.heads = self._check_contract(path)

    @property
    def bytes_per_token(self) -> int:
        """What the state of one token takes, in bytes."""
        return 2 * self._shape.layers * self._shape.kv_heads * self._shape.head_dim * 4

    def run(self, rows: Sequence[Row]) -> list[Reading]:
        """Read all rows in one pass; tokens are padded on the right.

        :raises ValueError: if the rows' pasts are not of one length.
        """
        # One token alone goes through other kernels, which add up in another order.
        new = max(2, *(len(row.ids) for row in rows))
        before = rows[0].past_tokens
        if any(row.past_tokens != before for row in rows):
            raise ValueError("rows that are read together have pasts of one length")
        ids = np.zeros((len(rows), new), np.int64)
        mask = np.zeros((len(rows), before + new), np.int64)
        mask[:, :before] = 1
        positions = np.tile(np.arange(before, before + new), (len(rows), 1))
        shape = self._shape
        past = np.empty(
            (2 * shape.layers, len(rows), shape.kv_heads, before, shape.head_dim), np.float32
        )
        for index, row in enumerate(rows):
            ids[index, : len(row.ids)] = row.ids
            mask[index, before : before + len(row.ids)] = 1
            at = 0
            for state in row.past:
                past[:, index, :, at : at + state.shape[2]] = state
                at += state.shape[2]
        feed = dict(zip(_TEXT_INPUTS, (ids, mask, positions), strict=True))
        feed |= dict(zip(self._past_names, past, strict=True))
        keep = any(row.keep_state for row in rows)
        rewards, *presents = self._session.run(
            [_REWARDS, *self._present_names] if keep else [_REWARDS], feed
        )
        return [
            Reading(
                rewards[index, : len(row.ids)],
                np.stack([each[index, :, before : before + len(row.ids)] for each in presents])
                if row.keep_state
                else None,
            )
            for index, row in enumerate(rows)
        ]

    def _check_contract(self, path: Path) -> int:
        """Compare names and shapes with the contract; return how many heads there are."""
        inputs = {each.name: each.shape for each in self._session.get_inputs()}
        outputs = {each.name: each.shape for each in self._session.get_outputs()}
        expected = {*_TEXT_INPUTS, *self._past_names}
        if set(inputs) != expected:
            odd = sorted(set(inputs) ^ expected)
            raise BundleError(
                f"{path} is not a reward graph as the manifest has it: its inputs differ "
                f"in {', '.join(odd[:4])}; export the bundle again"
            )
        if missing := sorted({_REWARDS, *self._present_names} - set(outputs)):
            raise BundleError(f"{path} has no output {missing[0]}; export the bundle again")
        state = inputs[self._past_names[0]]
        if (state[1], state[3]) != (self._shape.kv_heads, self._shape.head_dim):
            raise BundleError(
                f"{path} keeps states of shape {state}, not the manifest's; export the bundle again"
            )
        heads = outputs[_REWARDS][-1]
        if len(outputs[_REWARDS]) != 3 or not isinstance(heads, int):
            raise BundleError(
                f"{path} does not give rewards as batch x tokens x heads; export the bundle again"
            )
        return heads


def import_onnxruntime() -> Any:
    """The onnxruntime module.

    :raises RuntimeMissingError: with the command that installs it.
    """
    telemetry.switch_off()
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeMissingError(
            "onnxruntime is not installed; install it with: pip install 'themis-review[cpu]'"
        ) from error
    return onnxruntime


def usable_providers() -> tuple[str, ...]:
    """The execution providers that will really run here, best first.

    onnxruntime-gpu lists CUDA wherever it is installed and complains on stderr when it is asked for
    in vain, so its library is loaded here first, as onnxruntime would load it.
    """
    ort = import_onnxruntime()
    if _CUDA not in ort.get_available_providers():
        return (_CPU,)
    ort.preload_dlls()
    libraries = Path(ort.__file__).parent / "capi"
    try:
        ctypes.CDLL(str(libraries / "libonnxruntime_providers_shared.so"), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(libraries / "libonnxruntime_providers_cuda.so"))
    except OSError:
        return (_CPU,)
    return (_CUDA, _CPU)


def on_cpu(providers: Sequence[str]) -> bool:
    """Whether a session with these runs on the CPU."""
    return providers[0] == _CPU


def _load_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
    )
