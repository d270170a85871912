"""A model of ours -> a folder that PaddleNLP or Hugging Face's transformers open."""

import json
import shutil
from pathlib import Path
from typing import Literal

from ernie_core.errors import BadInput
from ernie_core.model import arrays
from ernie_core.model import config as configs
from ernie_core.model.config import ErnieConfig
from ernie_core.model.foreign import json_file, write_hf
from ernie_core.text import tokenizer

Form = Literal["paddlenlp", "hf"]

_EPSILON = {"ernie": 1e-12, "ernie_m": 1e-5}
"""What PaddleNLP computes layer norms with, whatever its config says."""


def export(model: Path, out: Path, to: Form) -> dict[str, float]:
    """Write the pretrained or fine-tuned model in `model` as PaddleNLP or transformers open it.

    Returns `parameters`, `layers` and `size_mb`. BadInput for a net that is not there, or computes otherwise.
    """
    config = configs.read(model)
    architecture = _architecture(model, config)
    if to == "hf":
        write_hf.write(model, out, config, architecture)
    else:
        _paddlenlp(model, out, config, architecture)
    size = sum(path.stat().st_size for path in out.iterdir())
    numbers = sum(a.size for a in {id(a): a for a in arrays.read_arrays(model / arrays.FILE).values()}.values())
    return {"parameters": numbers, "layers": config.num_hidden_layers, "size_mb": size / 1e6}


def _architecture(model: Path, config: ErnieConfig) -> str:
    """The class of the net, which the config of every model of ours says, and that of an old folder by another key."""
    path = model / configs.FILE
    content = json_file.read(path if path.is_file() else model / configs.OLD_FILE)
    named = content.get("architectures")
    said = named[0] if isinstance(named, list) and named else content.get("init_class")
    return str(said or f"{config.family}Model")


def _paddlenlp(model: Path, out: Path, config: ErnieConfig, architecture: str) -> None:
    if not architecture.startswith(config.family):
        raise BadInput(f"{model}: a net `{architecture}` is not in PaddleNLP: its weights cannot be opened there")
    if config.layer_norm_eps != _EPSILON[config.model_type]:
        raise BadInput(
            f"{model}: layer_norm_eps is {config.layer_norm_eps:g}, PaddleNLP always computes with "
            f"{_EPSILON[config.model_type]:g}: its outputs would differ, export it to hf"
        )
    shutil.copyfile(model / arrays.FILE, out / arrays.FILE)
    if (said := model / configs.FILE).is_file():
        (out / configs.FILE).write_text(json.dumps(json.loads(said.read_text()), indent=2) + "\n")
    else:
        configs.write(config, out, architecture)
    tokenizer.open(model).save(out)
