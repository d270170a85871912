"""Small checkpoints as others write them, and BERT in plain numpy to compare with."""

import io
import json
import math
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.model.foreign import write_safetensors

Arrays = dict[str, np.ndarray]

CONFIG: dict[str, Any] = {
    "model_type": "bert", "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "max_position_embeddings": 16, "type_vocab_size": 2, "hidden_act": "gelu",
    "layer_norm_eps": 1e-12, "pad_token_id": 0,
}  # fmt: skip
TOKENS = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", *(chr(0x4E00 + number) for number in range(45)))


def bert(config: Mapping[str, Any], *, heads: bool = True, prefix: str = "bert.", seed: int = 0) -> Arrays:
    """Random weights under the names of Hugging Face, linear ones [out, in]."""
    size, inner, draw = config["hidden_size"], config["intermediate_size"], np.random.default_rng(seed)
    tables = {"word": "vocab_size", "position": "max_position_embeddings", "token_type": "type_vocab_size"}
    if config.get("use_task_id"):
        tables["task_type"] = "task_type_vocab_size"
    shapes = {f"{prefix}embeddings.{name}_embeddings.weight": (config[key], size) for name, key in tables.items()}
    shapes |= _norm(f"{prefix}embeddings.LayerNorm", size)
    for number in range(config["num_hidden_layers"]):
        layer = f"{prefix}encoder.layer.{number}."
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _linear(f"{layer}attention.{name}", size, size)
        shapes |= _norm(f"{layer}attention.output.LayerNorm", size) | _norm(f"{layer}output.LayerNorm", size)
        shapes |= _linear(f"{layer}intermediate.dense", size, inner) | _linear(f"{layer}output.dense", inner, size)
    shapes |= _linear(f"{prefix}pooler.dense", size, size)
    if heads:
        shapes |= _linear("cls.predictions.transform.dense", size, size) | _norm(
            "cls.predictions.transform.LayerNorm", size
        )
        shapes |= {"cls.predictions.bias": (config["vocab_size"],)} | _linear("cls.seq_relationship", size, 2)
    return {name: draw.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def logits(
    config: Mapping[str, Any], weights: Arrays, ids: np.ndarray, types: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Logits over the vocabulary [B, L, V] and of the order [B, 2]; float64, one line a formula."""
    w = {name.removeprefix("bert."): array.astype(np.float64) for name, array in weights.items()}
    eps, heads = config["layer_norm_eps"], config["num_attention_heads"]

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def act(x: np.ndarray) -> np.ndarray:
        if config["hidden_act"] == "relu":
            return np.maximum(x, 0)
        return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2

    def split(x: np.ndarray) -> np.ndarray:
        return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = x + w["embeddings.token_type_embeddings.weight"][types]
    if config.get("use_task_id"):
        x = x + w["embeddings.task_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    mask = np.where(ids == config["pad_token_id"], -1e9, 0.0)[:, None, None, :]
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}."
        query, key, value = (split(linear(x, f"{layer}attention.self.{name}")) for name in ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(query.shape[-1]) + mask
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (shares / shares.sum(-1, keepdims=True)) @ value
        attended = linear(mixed.transpose(0, 2, 1, 3).reshape(x.shape), f"{layer}attention.output.dense")
        x = norm(x + attended, f"{layer}attention.output.LayerNorm")
        inner = linear(act(linear(x, f"{layer}intermediate.dense")), f"{layer}output.dense")
        x = norm(x + inner, f"{layer}output.LayerNorm")
    pooled = np.tanh(linear(x[:, 0], "pooler.dense"))
    hidden = norm(act(linear(x, "cls.predictions.transform.dense")), "cls.predictions.transform.LayerNorm")
    words = hidden @ w["embeddings.word_embeddings.weight"].T + w["cls.predictions.bias"]
    return words, linear(pooled, "cls.seq_relationship")


def folder(path: Path, config: Mapping[str, Any], arrays: Arrays, tokens: tuple[str, ...] = TOKENS) -> Path:
    """A checkpoint in one file of safetensors, with config and vocabulary."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    (path / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    (path / "model.safetensors").write_bytes(safetensors(arrays))
    return path


def safetensors(arrays: Arrays) -> bytes:
    """The bytes of a file."""
    sink = io.BytesIO()
    write_safetensors.write({name: array.shape for name, array in arrays.items()}, arrays.__getitem__, sink, "pt")
    return sink.getvalue()


def raw(header: Mapping[str, Any] | bytes, data: bytes, length: int | None = None) -> bytes:
    """A file of safetensors with any header, true or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def torch_pickle(arrays: Arrays, items: bytes = b"") -> bytes:
    """The pickle of a state dict as `torch.save` writes it; `items` are opcodes of more pairs in the dict."""
    opcodes = b"\x80\x02" + _ordered_dict() + b"("
    for key, (name, array) in enumerate(arrays.items()):
        opcodes += small(name) + stored(str(key), array.size, array.shape)
    return opcodes + items + b"u."


def stored(key: str, count: int, shape: tuple[int, ...], offset: int = 0, kind: str = "FloatStorage") -> bytes:
    """The opcodes of one tensor in C order."""
    strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    storage = b"(" + small("storage") + f"ctorch\n{kind}\n".encode() + small(key) + small("cpu") + small(count) + b"tQ"
    rest = b"".join(small(value) for value in (offset, shape, strides, False)) + _ordered_dict()
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest + b"tR"


def small(value: object) -> bytes:
    """The opcodes of a text, a number or a tuple."""
    return pickle.dumps(value, protocol=2)[2:-1]


def archive(arrays: Arrays, pickled: bytes | None = None, more: Mapping[str, bytes] | None = None) -> bytes:
    """A file of PyTorch since 1.6; with another pickle, or with more entries."""
    entries = {"m/data.pkl": torch_pickle(arrays) if pickled is None else pickled, "m/byteorder": b"little"}
    entries |= {f"m/data/{key}": array.tobytes() for key, array in enumerate(arrays.values())} | dict(more or {})
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return sink.getvalue()


def old_torch(arrays: Arrays) -> bytes:
    """A file of PyTorch before 1.6."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    keys = [str(key) for key in range(len(arrays))]
    head = b"".join(pickle.dumps(value, protocol=2) for value in (0x1950A86A20F9469CFC6C, 1001, system))
    storages = b"".join(array.size.to_bytes(8, "little") + array.tobytes() for array in arrays.values())
    return head + torch_pickle(arrays) + pickle.dumps(keys, protocol=2) + storages


def _ordered_dict() -> bytes:
    return b"ccollections\nOrderedDict\n)R"


def variable(array: np.ndarray) -> bytes:
    """A variable as static-graph Paddle saves it in a file of its own."""
    sides = b"".join(b"\x10" + _varint(side) for side in array.shape)
    description = b"\x08\x05" + sides  # float32, then the dimensions
    return bytes(16) + len(description).to_bytes(4, "little") + description + array.astype("<f4").tobytes()


def _varint(number: int) -> bytes:
    groups = [number >> shift & 127 for shift in range(0, max(1, number.bit_length()), 7)]
    return bytes(group | 128 for group in groups[:-1]) + bytes([groups[-1]])
