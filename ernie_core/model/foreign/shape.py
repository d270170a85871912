"""The shape of a checkpoint of others, from its config, as a shape of our nets."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput, NotFound
from ernie_core.model.config import ErnieConfig
from ernie_core.model.foreign import json_file
from ernie_core.wording import choice, shorten

FILES = ("config.json", "model_config.json", "ernie_config.json")
"""Of Hugging Face and PaddleNLP, of old versions of PaddleNLP, of ERNIE's own repository."""

_TYPES = {"ernie": "ernie", "bert": "ernie", "ernie_m": "ernie_m", "xlm-roberta": "ernie_m"}
"""`model_type` of a config -> the type of our net that computes the same."""

_OLD_NAMES = {"num_classes": "num_labels", "dropout": "classifier_dropout", "sent_type_vocab_size": "type_vocab_size"}
_CLASSES = (("ErnieM(?=Model|For)", "ernie_m"), ("Ernie(?=Model|For)", "ernie"), ("Bert(?=Model|For)", "bert"))
_SAME: dict[str, tuple[object, ...]] = {
    "position_embedding_type": ("absolute", None), "pool_act": ("tanh", None), "is_decoder": (False, None),
    "add_cross_attention": (False, None), "norm_first": (False, None),
}  # fmt: skip
"""Settings with the values that our nets compute."""
_COUNTS = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "max_position_embeddings",
)  # fmt: skip
_NUMBERS: dict[str, tuple[tuple[type, ...], int, int]] = {
    "type_vocab_size": ((int,), 0, 10_000), "task_type_vocab_size": ((int,), 0, 10_000), "task_id": ((int,), 0, 10_000),
    "pad_token_id": ((int,), 0, 1 << 31), "use_task_id": ((bool,), 0, 1), "hidden_dropout_prob": ((int, float), 0, 1),
    "attention_probs_dropout_prob": ((int, float), 0, 1), "classifier_dropout": ((int, float), 0, 1),
    "initializer_range": ((int, float), 0, 100), "layer_norm_eps": ((int, float), 0, 1),
}  # fmt: skip
"""Other settings: what they may be, least and most. A null is left out, as if it were not there."""
_MOST = {"num_hidden_layers": 1000}


@dataclass(frozen=True)
class Foreign:
    """The shape of a checkpoint, and how its embeddings differ from those of our net."""

    config: ErnieConfig
    folded: int = 0
    """Token types whose first is added to the positions, because our net has none."""
    shift: int = 0
    """Rows that our table of positions has before the first one of the checkpoint."""


def read(folder: Path, *, pieces: bool) -> Foreign:
    """The shape of the checkpoint in a folder; `pieces`: whether its tokenizer is SentencePiece.

    NotFound without a config. BadInput for another architecture, or for settings that our nets do not compute.
    """
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if path is None:
        raise NotFound(f"{folder / FILES[0]}: no such file: bring the config that was published with the weights, or "
                       f"write one with {', '.join(_COUNTS)}, hidden_act and model_type")  # fmt: skip
    content = _flat(json_file.read(path, most=8 << 20), path)
    kind = _kind(content, path)
    for key, known in _SAME.items():
        if content.get(key) not in known:
            raise BadInput(f"{path}: {key} is `{shorten(content[key])}`, only `{shorten(known[0])}` can be read: "
                           "this is another architecture, use another model")  # fmt: skip
    if kind == "bert" and pieces:
        return _multilingual(content, path, kind, shift=2)
    if kind == "xlm-roberta":
        return _multilingual(content, path, kind, shift=0)
    if _TYPES[kind] == "ernie_m":
        content = {"max_position_embeddings": 514, "pad_token_id": 1, "layer_norm_eps": 1e-5, **content}
        return Foreign(_config(content | _plain(content, path, kind), path))
    return Foreign(_config(content | {"model_type": "ernie"}, path))


def _multilingual(content: dict[str, Any], path: Path, kind: str, shift: int) -> Foreign:
    """A BERT or XLM-R with a SentencePiece vocabulary as ERNIE-M, which has no token types and an offset of 2."""
    types = content.get("type_vocab_size", 2 if shift else 1)
    rows = content.get("max_position_embeddings", 512)
    if type(rows) is not int or type(types) is not int or not 0 <= types < 1000:
        raise BadInput(f"{path}: max_position_embeddings is `{shorten(rows)}` and type_vocab_size `{shorten(types)}`: "
                       "the file is damaged, fetch it again")  # fmt: skip
    offset = {"max_position_embeddings": rows + shift, "pad_token_id": 1}
    return Foreign(_config(content | offset | _plain(content, path, kind), path), folded=types, shift=shift)


def _plain(content: dict[str, Any], path: Path, kind: str) -> dict[str, Any]:
    """The settings of an ERNIE-M, whose inner layers have four times the hidden size."""
    size = content.get("hidden_size", 768)
    inner = 4 * size if type(size) is int else 0
    if kind != "ernie_m" and content.get("intermediate_size", 3072) != inner:
        raise BadInput(f"{path}: intermediate_size is `{shorten(content.get('intermediate_size'))}`, an ERNIE-M has "
                       f"four times its hidden_size, {inner}: use another model")  # fmt: skip
    return {"type_vocab_size": 0, "use_task_id": False, "intermediate_size": inner, "model_type": "ernie_m"}


def _config(content: dict[str, Any], path: Path) -> ErnieConfig:
    known = {field.name for field in fields(ErnieConfig)} - {"num_labels"}
    content = {"intermediate_size": _inner(content), **content}
    for key in _COUNTS:
        value, most = content.get(key, 1), _MOST.get(key, 1 << 31)
        if type(value) is not int or not 0 < value <= most:
            raise BadInput(f"{path}: {key} is `{shorten(value)}`, it must be a whole number from 1 to {most:,}: "
                           "the file is damaged, fetch it again")  # fmt: skip
    for key, (kinds, least, most) in _NUMBERS.items():
        value = content.get(key)
        if value is not None and (type(value) not in kinds or not least <= value <= most):
            raise BadInput(f"{path}: {key} is `{shorten(value)}`, it must be from {least} to {most:,}: "
                           "the file is damaged, fetch it again")  # fmt: skip
    try:
        return ErnieConfig(**{key: value for key, value in content.items() if key in known and value is not None})
    except (TypeError, BadInput) as e:
        raise BadInput(f"{path}: not the config of a model that can be read: {e}") from e


def _inner(content: dict[str, Any]) -> int:
    size = content.get("hidden_size", 768)
    return 4 * size if isinstance(size, int) else 0


def _kind(content: dict[str, Any], path: Path) -> str:
    """The `model_type`, which old files of PaddleNLP say by the name of a class, and those of ERNIE not at all."""
    kind = content.get("model_type")
    if kind is None:
        named = content.get("architectures")
        first = named[0] if isinstance(named, list) and named else "ErnieModel"
        made = str(content.get("init_class") or first)
        kind = next((kind for pattern, kind in _CLASSES if re.match(pattern, made)), made)
    if not isinstance(kind, str) or kind not in _TYPES:
        raise BadInput(
            f"{path}: model_type is `{shorten(kind)}`, which no net here computes: {choice(str(kind), _TYPES)}"
        )
    return str(kind)


def _flat(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """The content of an old file on one level: a task model has the arguments of its encoder in `init_args`."""
    inner = content.get("init_args", ())
    if not isinstance(inner, (list, tuple)):
        raise BadInput(f"{path}: init_args is not a list: the file is damaged, fetch it again")
    parts = [*(_flat(part, path) for part in inner if isinstance(part, dict)), content]
    return {_OLD_NAMES.get(key, key): value for part in parts for key, value in part.items()}
