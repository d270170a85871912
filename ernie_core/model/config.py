"""The shape of an ERNIE model, from PaddleNLP's `config.json` or the file of its older versions."""

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput, NotFound

FILE = "config.json"
OLD_FILE = "model_config.json"
"""File of old versions of PaddleNLP with the class of a model and its arguments."""

_OLD_NAMES = {"num_classes": "num_labels", "dropout": "classifier_dropout"}
"""Arguments of old task models, with their present names."""

SHAPES: dict[str, tuple[int, int, int, int]] = {
    "large": (24, 1024, 16, 3072),
    "base": (12, 768, 12, 3072),
    "medium": (6, 768, 12, 3072),
    "mini": (6, 384, 12, 1536),
    "micro": (4, 384, 12, 1536),
    "nano": (4, 312, 12, 1248),
    "pico": (3, 128, 4, 512),
}
"""Named shapes: layers, hidden size, heads, intermediate size."""


@dataclass(frozen=True)
class ErnieConfig:
    """Everything that decides the parameters of a model and what its layers compute; the names are PaddleNLP's."""

    vocab_size: int
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    classifier_dropout: float | None = None
    """Dropout before the classifier of a task model; `hidden_dropout_prob` if absent."""
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    use_task_id: bool = False
    task_id: int = 0
    task_type_vocab_size: int = 3
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    num_labels: int = 2

    def __post_init__(self) -> None:
        if self.hidden_size % self.num_attention_heads:
            raise BadInput(f"hidden_size {self.hidden_size} is not a multiple of {self.num_attention_heads} heads")
        if self.hidden_act not in ("gelu", "relu"):
            raise BadInput(f"hidden_act `{self.hidden_act}` is not known, choose from: gelu, relu")


def shape(arch: str, vocab_size: int, **changes: int | float | str | bool | None) -> ErnieConfig:
    """The model called `arch`: a named shape, or layers, hidden size and heads as in `6L768H12`."""
    written = re.fullmatch(r"(\d+)L(\d+)H(\d+)", arch)
    if written:
        layers, hidden, heads = map(int, written.groups())
        inner = 4 * hidden
    elif arch in SHAPES:
        layers, hidden, heads, inner = SHAPES[arch]
    else:
        raise BadInput(f"`{arch}` is not a known shape, choose from: {', '.join(SHAPES)}, or write it as 6L768H12")
    if not (layers and hidden and heads):
        raise BadInput(f"`{arch}`: layers, hidden size and heads must be at least 1")
    config = ErnieConfig(vocab_size, hidden, layers, heads, inner)
    return replace(config, **changes)  # type: ignore[arg-type]


def read(folder: Path) -> ErnieConfig:
    """The shape of the model in a folder; keys that only PaddleNLP needs are skipped.

    NotFound without a model, BadInput for another kind of model.
    """
    path = next((p for p in (folder / FILE, folder / OLD_FILE) if p.is_file()), None)
    if path is None:
        raise NotFound(f"{folder / FILE}: no such file, this folder holds no model")
    try:
        content = _flat(json.loads(path.read_text(encoding="utf-8")))
        kind = content.get("model_type", "ernie")
        if "id2label" in content:  # PaddleNLP writes the names of the labels instead of their number
            content.setdefault("num_labels", len(content["id2label"]))
        known = {f.name for f in fields(ErnieConfig)}
        config = ErnieConfig(**{key: value for key, value in content.items() if key in known})
    except (ValueError, TypeError, AttributeError) as e:
        raise BadInput(f"{path}: not the config of an ERNIE model: {e}") from e
    if kind != "ernie":
        raise BadInput(f"{path}: model_type is `{kind}`, only `ernie` can be read")
    if not re.fullmatch(r"Ernie(Model|For[A-Z]\w*)", made := str(content.get("init_class", "ErnieModel"))):
        raise BadInput(f"{path}: init_class is `{made}`, only `ErnieModel` and `ErnieFor...` can be read")
    return config


def _flat(said: dict[str, Any]) -> dict[str, Any]:
    """The content of an old file on one level: a task model has the arguments of its encoder in `init_args`."""
    inner = [part for part in said.get("init_args", ()) if isinstance(part, dict)]
    return {_OLD_NAMES.get(key, key): value for part in (*inner, said) for key, value in part.items()}


def write(config: ErnieConfig, folder: Path, architecture: str) -> None:
    """Write `config.json` so that PaddleNLP's from_pretrained opens the folder as `architecture`."""
    (folder / FILE).write_bytes(encode(config, architecture))


def encode(config: ErnieConfig, architecture: str) -> bytes:
    """The content of `config.json`."""
    said = {"architectures": [architecture], "model_type": "ernie", "dtype": "float32", "pool_act": "tanh"}
    text = json.dumps(said | asdict(config), indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()
