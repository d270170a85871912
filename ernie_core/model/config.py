"""The shape of an ERNIE or ERNIE-M model, from PaddleNLP's `config.json` or the file of its older versions."""

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from ernie_core.errors import BadInput, NotFound

FILE = "config.json"
OLD_FILE = "model_config.json"
"""File of old versions of PaddleNLP with the class of a model and its arguments."""

ModelType = Literal["ernie", "ernie_m"]
FAMILIES: dict[str, str] = {"ernie": "Ernie", "ernie_m": "ErnieM"}
"""Types of models, with what the names of their classes in PaddleNLP begin with."""
_OF_ERNIE_M = {
    "layer_norm_eps": 1e-5, "max_position_embeddings": 514, "type_vocab_size": 0, "pad_token_id": 1,
}  # fmt: skip
"""What an ERNIE-M has where its file says nothing else."""
_NEVER_OF_ERNIE_M = ("type_vocab_size", "intermediate_size", "use_task_id", "task_id", "task_type_vocab_size")
"""What files of ERNIE-M say in vain: its net has no types, and inner layers of four times the hidden size."""

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
    model_type: ModelType = "ernie"

    def __post_init__(self) -> None:
        if self.model_type not in FAMILIES:
            raise BadInput(f"model_type is `{self.model_type}`, choose from: {', '.join(FAMILIES)}")
        if self.model_type == "ernie_m":
            if self.type_vocab_size or self.use_task_id:
                raise BadInput(
                    "an ernie_m has no types of tokens or tasks: type_vocab_size must be 0, use_task_id false"
                )
            if self.intermediate_size != 4 * self.hidden_size:
                raise BadInput(
                    f"intermediate_size {self.intermediate_size} of an ernie_m must be four times its hidden_size"
                    f" {self.hidden_size}"
                )
            if self.positions < 1:
                raise BadInput(
                    f"max_position_embeddings {self.max_position_embeddings} of an ernie_m must be at least 3"
                )
        if self.hidden_size % self.num_attention_heads:
            raise BadInput(f"hidden_size {self.hidden_size} is not a multiple of {self.num_attention_heads} heads")
        if self.hidden_act not in ("gelu", "relu"):
            raise BadInput(f"hidden_act `{self.hidden_act}` is not known, choose from: gelu, relu")

    @property
    def encoder(self) -> str:
        """The name of the encoder in a net with a head: what names of its parameters begin with, before a dot."""
        return self.model_type

    @property
    def family(self) -> str:
        """What PaddleNLP's names of its classes begin with."""
        return FAMILIES[self.model_type]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs of the encoder that come from a tokenizer."""
        return ("input_ids",) if self.model_type == "ernie_m" else ("input_ids", "token_type_ids")

    @property
    def offset(self) -> int:
        """The row of the first position in the table of positions."""
        return 2 if self.model_type == "ernie_m" else 0

    @property
    def positions(self) -> int:
        """Tokens of the longest row that the model can read."""
        return self.max_position_embeddings - self.offset

    def facts(self) -> dict[str, Any]:
        """Its values by name, `model_type` only if it is not ERNIE: facts of ERNIE models were written without it."""
        said = asdict(self)
        if self.model_type == "ernie":
            del said["model_type"]
        return said


def shape(
    arch: str, vocab_size: int, *, model_type: ModelType = "ernie", **changes: int | float | str | bool | None
) -> ErnieConfig:
    """The model called `arch`: a named shape, or layers, hidden size and heads as in `6L768H12`.

    The inner layers of an ERNIE-M have four times the hidden size under every name.
    """
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
    if model_type == "ernie_m":
        changes = {"model_type": model_type, "intermediate_size": 4 * hidden, **_OF_ERNIE_M, **changes}
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
        made = str(content.get("init_class", ""))
        kind = content.setdefault("model_type", "ernie_m" if re.match("ErnieM(Model|For)", made) else "ernie")
        if "id2label" in content:  # PaddleNLP writes the names of the labels instead of their number
            content.setdefault("num_labels", len(content["id2label"]))
        if kind == "ernie_m":
            content = _of_ernie_m(content)
        known = {f.name for f in fields(ErnieConfig)}
        said = {key: value for key, value in content.items() if key in known}
        config = ErnieConfig(**said) if kind in FAMILIES else None
    except BadInput as e:
        raise BadInput(f"{path}: {e}") from e
    except (ValueError, TypeError, AttributeError) as e:
        raise BadInput(f"{path}: not the config of an ERNIE model: {e}") from e
    if config is None:
        raise BadInput(
            f"{path}: model_type is `{kind}`, only {' and '.join(f'`{name}`' for name in FAMILIES)} can be read"
        )
    if made and not re.fullmatch(rf"{config.family}(Model|For[A-Z]\w*)", made):
        wanted = f"only `{config.family}Model` and `{config.family}For...` can be read"
        raise BadInput(f"{path}: init_class is `{made}`, {wanted}")
    return config


def _of_ernie_m(said: dict[str, Any]) -> dict[str, Any]:
    """The content of a file with what PaddleNLP's net of an ERNIE-M really has."""
    kept = {key: value for key, value in said.items() if key not in _NEVER_OF_ERNIE_M}
    return {**_OF_ERNIE_M, **kept, "intermediate_size": 4 * said.get("hidden_size", ErnieConfig.hidden_size)}


def _flat(said: dict[str, Any]) -> dict[str, Any]:
    """The content of an old file on one level: a task model has the arguments of its encoder in `init_args`."""
    inner = [part for part in said.get("init_args", ()) if isinstance(part, dict)]
    return {_OLD_NAMES.get(key, key): value for part in (*inner, said) for key, value in part.items()}


def write(config: ErnieConfig, folder: Path, architecture: str) -> None:
    """Write `config.json` so that PaddleNLP's from_pretrained opens the folder as `architecture`."""
    (folder / FILE).write_bytes(encode(config, architecture))


def encode(config: ErnieConfig, architecture: str) -> bytes:
    """The content of `config.json`."""
    said = {"architectures": [architecture], "dtype": "float32", "pool_act": "tanh"}
    text = json.dumps(said | asdict(config), indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()
