"""The folder that is served: a fine-tuned model exported, compressed, measured and given a probe."""

import json
import shutil
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import paddle

from ernie_core.compress import export, measure, quantise
from ernie_core.errors import BadInput, NotFound, Stopped
from ernie_core.model.heads import ErnieForSequenceClassification
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.serve import engines, manifest
from ernie_core.serve.engines import Engine
from ernie_core.serve.manifest import Probe, Serving
from ernie_core.serve.predictor import forward
from ernie_core.tasks import data
from ernie_core.text.tokenizer import Tokenizer

Strategy = Literal["none", "int8"]

SENTENCES = (
    "房间很干净，服务员也热情。",
    "不好！",
    "The room was quiet, 早餐种类不多但味道可以，离地铁站走路5分钟，下次还会再来。",
    "",
)
"""What the probe asks: nobody's data, several lengths, one of them empty."""
TOLERANCE = {"none": 1e-3, "int8": 0.1}
"""How far the probe's logits may be off, at the least: engines round differently, and int8 tips over at a rounding."""
EXACT = 1e-4
"""The same for ONNX against Paddle, both in float."""


@dataclass(frozen=True)
class Task:
    """What `task.json` of a fine-tuned model says."""

    task: str
    max_seq_len: int
    text_pair: bool


def build(
    finetuned: Path,
    task_data: Path | None,
    inference: Path,
    scratch: Path,
    *,
    strategy: Strategy = "int8",
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Fill `inference`; returns sizes, accuracies and latencies of the model to serve and (`..._fp32`) of its source.

    `model.onnx` is what is served; `model.pdmodel` and `model.pdiparams` are the same model in float. Latencies are
    returned but not written: they would make equal models unequal folders.
    """
    cutter, names, task = Tokenizer.from_folder(finetuned), data.label_names(finetuned), _task(finetuned)
    single, target = scratch / "float.onnx", inference / manifest.MODEL
    net = export.to_static(finetuned, inference)
    export.to_onnx(inference, single)
    _pass(progress, stop, 1, "export")
    if strategy == "int8":
        quantise.to_int8(single, target)
    else:
        shutil.copyfile(single, target)
    _pass(progress, stop, 2, strategy)

    models = {"": engines.load(target, "onnxruntime", (), 1), "_fp32": engines.load(single, "onnxruntime", (), 1)}
    serving = _probed(models[""], models["_fp32"], cutter, task, strategy)
    wanted, found = (forward(e, cutter, serving, serving.probe.texts, 4) for e in (_asked(net), models["_fp32"]))
    export.check(wanted, found, EXACT, "onnx export")
    scores = {"size_mb": measure.megabytes(target), "size_mb_fp32": measure.megabytes(single)}
    if task_data:
        scores |= measure.accuracies(models, task_data, names, cutter, task.max_seq_len)
    _pass(progress, stop, 3, "measure")

    cutter.save(inference)
    shutil.copyfile(finetuned / data.LABELS, inference / data.LABELS)
    manifest.write(serving, inference)
    _write(inference / "metrics.json", {**scores, "strategy": strategy})
    return scores | {f"p50_ms{name}": measure.latency(engine) for name, engine in models.items()}


def _task(finetuned: Path) -> Task:
    path = finetuned / "task.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Task(str(said["task"]), int(said["max_seq_len"]), bool(said["text_pair"]))
    except FileNotFoundError:
        raise NotFound(f"{path}: no such file, this folder holds no fine-tuned model") from None
    except (ValueError, KeyError, TypeError) as e:
        raise BadInput(f"{path}: damaged, fine-tune again: {e!r}") from e


def _probed(engine: Engine, source: Engine, cutter: Tokenizer, task: Task, strategy: Strategy) -> Serving:
    """What a server must know, with the logits that this model gives here.

    Another engine, or a processor on which int8 products saturate, may be as far off as quantisation itself is.
    """
    texts = tuple((text, SENTENCES[0]) for text in SENTENCES) if task.text_pair else SENTENCES
    serving = Serving(
        task=task.task,
        precision="int8" if strategy == "int8" else "fp32",
        max_seq_len=task.max_seq_len,
        text_pair=task.text_pair,
        inputs=tuple({"name": name, "dtype": "int64"} for name in export.INPUTS),
        engines=engines.NAMES,
        probe=Probe(texts, (), (), TOLERANCE[strategy]),
    )
    alone, together = (forward(engine, cutter, serving, texts, size) for size in (1, len(texts)))
    off = float(np.abs(alone - forward(source, cutter, serving, texts, 1)).max())
    tolerance = round(max(TOLERANCE[strategy], 2 * off), 6)
    return replace(serving, probe=Probe(texts, _rows(alone), _rows(together), tolerance))


def _rows(logits: np.ndarray) -> manifest.Rows:
    return tuple(tuple(round(float(value), 6) for value in row) for row in logits)


def _asked(net: ErnieForSequenceClassification) -> Engine:
    def run(input_ids: np.ndarray, token_type_ids: np.ndarray) -> np.ndarray:
        with paddle.no_grad():
            found: np.ndarray = net(paddle.to_tensor(input_ids), paddle.to_tensor(token_type_ids)).numpy()
        return found

    return run


def _write(path: Path, figures: dict[str, float | str]) -> None:
    path.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _pass(progress: Progress, stop: Stop, stage: int, doing: str) -> None:
    progress(stage, 3, "stages", doing=doing)
    if stop():
        raise Stopped("compression stopped: it will start again from its beginning")
