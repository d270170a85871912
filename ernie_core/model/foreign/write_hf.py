"""A model of ours as Hugging Face's transformers open it: ERNIE as `ErnieModel`, ERNIE-M as `XLMRobertaModel`.

transformers 5 has no ERNIE-M. XLM-R computes the same with one token type of zeros: its layers and positions are equal.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.model import arrays
from ernie_core.model import config as configs
from ernie_core.model.config import ErnieConfig
from ernie_core.model.foreign import expected, safetensors, write_safetensors, write_tokenizer
from ernie_core.text import tokenizer

_CLASSES = {
    "Model": "Model", "ForPretraining": "ForPreTraining", "ForMaskedLM": "ForMaskedLM",
    "ForSequenceClassification": "ForSequenceClassification", "ForTokenClassification": "ForTokenClassification",
    "ForQuestionAnswering": "ForQuestionAnswering", "ForMultipleChoice": "ForMultipleChoice",
}  # fmt: skip
"""Ends of names of classes here and in transformers."""
_FAMILIES = {"ernie": ("Ernie", "ernie", "ernie"), "ernie_m": ("XLMRoberta", "roberta", "xlm-roberta")}
"""Type of our net -> what names of classes begin with, prefix of the encoder, `model_type`."""

_LAYER = r"encoder\.layers\.(\d+)\."
_ENCODER = (
    (r"embeddings\.layer_norm\.", "embeddings.LayerNorm."),
    (_LAYER + r"self_attn\.q_proj\.", r"encoder.layer.\1.attention.self.query."),
    (_LAYER + r"self_attn\.k_proj\.", r"encoder.layer.\1.attention.self.key."),
    (_LAYER + r"self_attn\.v_proj\.", r"encoder.layer.\1.attention.self.value."),
    (_LAYER + r"self_attn\.out_proj\.", r"encoder.layer.\1.attention.output.dense."),
    (_LAYER + r"norm1\.", r"encoder.layer.\1.attention.output.LayerNorm."),
    (_LAYER + r"norm2\.", r"encoder.layer.\1.output.LayerNorm."),
    (_LAYER + r"linear1\.", r"encoder.layer.\1.intermediate.dense."),
    (_LAYER + r"linear2\.", r"encoder.layer.\1.output.dense."),
)
_HEADS = {
    "ernie": (
        (r"cls\.predictions\.transform\.", "cls.predictions.transform.dense."),
        (r"cls\.predictions\.layer_norm\.", "cls.predictions.transform.LayerNorm."),
        (r"cls\.predictions\.decoder_bias", "cls.predictions.bias"),
    ),
    "ernie_m": (
        (r"cls\.predictions\.transform\.", "lm_head.dense."),
        (r"cls\.predictions\.layer_norm\.", "lm_head.layer_norm."),
        (r"cls\.predictions\.decoder_bias", "lm_head.bias"),
    ),
}
_AGAIN = ("cls.predictions.decoder.weight", "cls.predictions.decoder_weight", "cls.predictions.decoder.bias")
"""Second names of tied parameters, old ones too, which transformers ties itself."""
_PAD = 1
"""The id from which XLM-R counts positions; ERNIE-M always counts from the same row, whatever it pads with."""


def write(model: Path, out: Path, config: ErnieConfig, architecture: str) -> None:
    """Write `config.json`, `model.safetensors` and files of the tokenizer. BadInput for what transformers lack."""
    end = architecture.removeprefix(config.family)
    if end not in _CLASSES:
        raise BadInput(f"{model}: a net `{architecture}` is not in transformers: export it to paddlenlp")
    if config.use_task_id and config.task_id:
        raise BadInput(f"{model}: task_id is {config.task_id}, transformers always read type 0: export it to paddlenlp")
    if config.model_type == "ernie" and not config.type_vocab_size:
        raise BadInput(f"{model}: has no token types, which transformers need: export it to paddlenlp")
    made = tokenizer.open(model)
    if config.model_type == "ernie_m" and made.pad_id != _PAD:
        raise BadInput(f"{model}: the id of [PAD] is {made.pad_id} in its vocabulary, XLM-R counts no position for the "
                       f"token {_PAD}: export it to paddlenlp")  # fmt: skip
    found = arrays.read_arrays(model / arrays.FILE)
    sources = {_named(name, config, end): name for name in found if name not in _AGAIN and _known(name, config)}

    def read(name: str) -> np.ndarray:
        if name not in sources:
            return np.zeros((1, config.hidden_size), np.float32)  # the token type that XLM-R has
        array = arrays.floats(found[sources[name]])
        return array.T if array.ndim == 2 and "embeddings." not in name else array

    shapes = {name: _shape(name, found[source]) for name, source in sources.items()}
    if config.model_type == "ernie_m":
        shapes["roberta." + expected.TYPES] = (1, config.hidden_size)
    with (out / safetensors.FILE).open("wb") as f:
        write_safetensors.write(shapes, read, f, "pt")
        f.flush()
        os.fsync(f.fileno())
    text = json.dumps(_config(model, config, end), indent=2, sort_keys=True, ensure_ascii=False)
    (out / configs.FILE).write_text(f"{text}\n", encoding="utf-8")
    made.save(out)
    if config.model_type == "ernie":  # no class of transformers 5 gives the same ids as the tokenizer of ERNIE-M
        write_tokenizer.write(made, out, config.positions)


def _known(name: str, config: ErnieConfig) -> bool:
    """Whether transformers have the parameter: XLM-R has no head for the order of segments."""
    return config.model_type == "ernie" or not name.startswith("cls.seq_relationship.")


def _named(name: str, config: ErnieConfig, end: str) -> str:
    bare = name.removeprefix(f"{config.encoder}.")
    for pattern, theirs in (*_ENCODER, *_HEADS[config.model_type]):
        bare, hits = re.subn(f"^{pattern}", theirs, bare)
        if hits:
            break
    if name.startswith("classifier."):
        if end == "ForQuestionAnswering":
            return name.replace("classifier.", "qa_outputs.")
        # In XLM-R the pooler of a classifier is a part of its head.
        beside = config.model_type == "ernie_m" and end == "ForSequenceClassification"
        return name.replace("classifier.", "classifier.out_proj.") if beside else name
    if name.startswith("cls."):
        return bare
    if config.model_type == "ernie_m" and end == "ForSequenceClassification" and bare.startswith("pooler.dense."):
        return bare.replace("pooler.dense.", "classifier.dense.")
    return f"{_FAMILIES[config.model_type][1]}.{bare}"


def _shape(name: str, array: np.ndarray) -> tuple[int, ...]:
    return array.shape[::-1] if array.ndim == 2 and "embeddings." not in name else array.shape


def _config(model: Path, config: ErnieConfig, end: str) -> dict[str, Any]:
    family, _, kind = _FAMILIES[config.model_type]
    said = {key: value for key, value in config.facts().items() if key not in ("task_id", "num_labels", "model_type")}
    said |= {"architectures": [family + _CLASSES[end]], "model_type": kind, "torch_dtype": "float32"}
    if config.model_type == "ernie_m":
        said |= {"type_vocab_size": 1, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": _PAD}
        said = {key: value for key, value in said.items() if "task" not in key}
    if "Classification" in end:
        labels = _labels(model, config.num_labels)
        said |= {"id2label": {str(number): label for number, label in enumerate(labels)},
                 "label2id": {label: number for number, label in enumerate(labels)}}  # fmt: skip
    return said


def _labels(model: Path, count: int) -> list[str]:
    """Names of the labels, those of the task if its file has as many."""
    path = model / "labels.txt"
    names = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return names if len(names) == count else [f"LABEL_{number}" for number in range(count)]
