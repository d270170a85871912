"""From labelled examples to answers: fine-tuning, export, evaluation, one answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tiny_task

from ernie_core.compress import inference
from ernie_core.serve import evaluation
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe


@dataclass(frozen=True)
class Chain:
    """What came out."""

    finetuned: Mapping[str, float]
    compressed: Mapping[str, float]
    evaluated: Mapping[str, float]
    predictor: Predictor
    report: Path


def run(folder: Path, data: Path, recipe: FinetuneRecipe, *, strategy: Any = "int8") -> Chain:
    """All of it in a folder, with a tiny pretrained model."""
    folders = {name: folder / name for name in ("finetuned", "inference", "scratch", "report")}
    for made in folders.values():
        made.mkdir()
    finetuned = finetune(tiny_task.model(folder / "model"), data, folders["finetuned"], recipe)
    compressed = inference.build(
        folders["finetuned"], data, folders["inference"], folders["scratch"], strategy=strategy
    )
    predictor = Predictor.open(folders["inference"], engine="onnxruntime")
    evaluated = evaluation.score(predictor, data, folders["report"], split="test")
    return Chain(finetuned, compressed, evaluated, predictor, folders["report"])


def write(folder: Path, splits: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """Labelled examples as a folder."""
    folder.mkdir(parents=True)
    for split, rows in splits.items():
        tiny_task.write(folder / f"{split}.jsonl", [dict(row) for row in rows])
    return folder
