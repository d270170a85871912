"""The models in the package `lac`: found without importing it, verified, and read without Paddle."""

import hashlib
import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ernie_core import protobuf
from ernie_core.errors import BadInput, NotFound

VERSION = "2.1.2"

_DIGESTS = {
    "seg_model": "b6502e7d6c39d55e83df3ae3bac169db411c40e2007c2c292e420186f758f3c5",
    "lac_model": "3a2a4d81c6a209773020c01f92b1a0242147f65d9e46efd3584d0c3e7397f92e",
}
"""SHA-256 over the name and the content of every file that is read."""

_PARAMETERS = (
    *("word_emb", "crfw", "fc_4.w_0", "fc_4.b_0"),
    *(f"{part}_{n}.{kind}_0" for n in range(4) for part in ("fc", "gru") for kind in "wb"),
)
_DICTIONARIES = ("q2b.dic", "small_seg.dic", "tag.dic", "word.dic")
_FLOAT32 = 5  # in Paddle's list of types


@dataclass(frozen=True)
class Gru:
    """One direction of one layer; H is the hidden width. Columns are update gate, reset gate, candidate."""

    input: np.ndarray
    """[width of the input, 3 H]."""
    input_bias: np.ndarray
    """[3 H]."""
    gates: np.ndarray
    """[H, 2 H]."""
    candidate: np.ndarray
    """[H, H]."""
    bias: np.ndarray
    """[3 H]."""


@dataclass(frozen=True)
class Weights:
    """All parameters of a model, in float32."""

    embedding: np.ndarray
    """[units, width]."""
    layers: tuple[tuple[Gru, Gru], tuple[Gru, Gru]]
    """Layer by layer: forward, backward."""
    emission: np.ndarray
    """[2 H, tags]."""
    emission_bias: np.ndarray
    """[tags]."""
    crf: np.ndarray
    """[tags + 2, tags]: scores of a tag at the start, at the end, and after each other tag."""


def folder(model: str) -> Path:
    """Folder of `seg_model` or `lac_model`. NotFound if it is not installed, BadInput if it is another version."""
    package = importlib.util.find_spec("LAC")
    if package is None or not package.submodule_search_locations:
        raise NotFound("the package lac is not installed: run this step in the image `text`")
    place = Path(package.submodule_search_locations[0], model)
    state = hashlib.sha256()
    for path in [*(place / "conf" / name for name in _DICTIONARIES), *(place / "model" / name for name in _PARAMETERS)]:
        if not path.is_file():
            raise NotFound(f"{path}: no such file: install lac {VERSION}")
        state.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    if state.hexdigest() != _DIGESTS[model]:
        raise BadInput(f"{place}: not the model of lac {VERSION}: install that version")
    return place


def read(place: Path) -> Weights:
    """The parameters in the folder of a model."""
    found = {name: parameter(place / "model" / name) for name in _PARAMETERS}
    grus = [_gru(found, n) for n in range(4)]
    return Weights(
        embedding=found["word_emb"],
        layers=((grus[0], grus[1]), (grus[2], grus[3])),
        emission=found["fc_4.w_0"],
        emission_bias=found["fc_4.b_0"].reshape(-1),
        crf=found["crfw"],
    )


def parameter(path: Path) -> np.ndarray:
    """A parameter in Paddle's own format: version, levels, version, size of a small protobuf, that, and the floats."""
    raw = path.read_bytes()
    version, levels, version_too, size = struct.unpack_from("<IQIi", raw)
    if (version, levels, version_too) != (0, 0, 0):
        raise BadInput(f"{path}: not a plain Paddle parameter: install lac {VERSION} again")
    described = raw[20 : 20 + size]
    kind, dims = protobuf.number(described, 1), list(protobuf.numbers(described, 2))
    if kind != _FLOAT32:
        raise BadInput(f"{path}: parameters of type {kind}, not float32: install lac {VERSION} again")
    return np.frombuffer(raw, "<f4", offset=20 + size).reshape(dims)


def _gru(found: dict[str, np.ndarray], n: int) -> Gru:
    hidden = len(found[f"gru_{n}.w_0"])
    # The shape says [H, 3 H], but in memory it is one block for the two gates and then one for the candidate.
    flat = found[f"gru_{n}.w_0"].reshape(-1)
    return Gru(
        input=found[f"fc_{n}.w_0"],
        input_bias=found[f"fc_{n}.b_0"].reshape(-1),
        gates=flat[: 2 * hidden * hidden].reshape(hidden, 2 * hidden),
        candidate=flat[2 * hidden * hidden :].reshape(hidden, hidden),
        bias=found[f"gru_{n}.b_0"].reshape(-1),
    )
