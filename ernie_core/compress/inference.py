"""The folder for serving: a fine-tuned model exported, compressed, measured, and with a probe."""

import json
from functools import partial
from pathlib import Path

from ernie_core.compress import export, measure, probe, strategies
from ernie_core.errors import Stopped
from ernie_core.model import config as configs
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.serve import engines, manifest
from ernie_core.serve.manifest import Serving
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks import task
from ernie_core.text import tokenizer as tokenizers


def build(
    finetuned: Path,
    task_data: Path | None,
    inference: Path,
    scratch: Path,
    *,
    strategy: strategies.Name = "int8",
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Fill `inference`; returns sizes, main scores and latencies of the served model and (`..._fp32`) of its source.

    `model.onnx` is served; `model.pdmodel` and `model.pdiparams` are the same model in float. Latencies are returned
    but not written: equal models would have unequal folders.
    """
    learned, tokenizer, way = task.read(finetuned), tokenizers.open(finetuned), strategies.STRATEGIES[strategy]
    names = learned.fed(configs.read(finetuned))
    single, target = scratch / "float.onnx", inference / manifest.MODEL
    net = export.to_static(finetuned, learned, inference)
    export.to_onnx(inference, single)
    _pass(progress, stop, 1, "export")
    way.apply(single, target)
    _pass(progress, stop, 2, strategy)

    models = {
        ending: Predictor(learned, tokenizer, engines.load(path, "onnxruntime", (), 1), inputs=names)
        for ending, path in (("", target), ("_fp32", single))
    }
    probe.check(models["_fp32"], Predictor(learned, tokenizer, partial(export.ask, net), inputs=names), "onnx export")
    asked = probe.probed(models[""], models["_fp32"], way.tolerance)
    scores = {"size_mb": measure.megabytes(target), "size_mb_fp32": measure.megabytes(single)}
    if task_data:
        scores |= measure.scores(models, task_data)
    _pass(progress, stop, 3, "measure")

    tokenizer.save(inference)
    learned.copy_to(inference)
    inputs = tuple({"name": name, "dtype": "int64"} for name in names)
    manifest.write(Serving(learned, way.precision, inputs, engines.NAMES, asked), inference)
    _write(inference / "metrics.json", {**scores, "strategy": strategy})
    return scores | {f"p50_ms{ending}": measure.latency(model) for ending, model in models.items()}


def _write(path: Path, figures: dict[str, float | str]) -> None:
    path.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _pass(progress: Progress, stop: Stop, stage: int, doing: str) -> None:
    progress(stage, 3, "stages", doing=doing)
    if stop():
        raise Stopped("compression stopped: it will start from the beginning")
