"""The step `export_model`: which model it takes, and what its artefact is."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from components.contract.base import Here
from components.export_model import ExportModel
from ernie_core.model import arrays, config
from ernie_core.model.foreign import expected
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer
from jobs.spec import document, parser
from jobs.spec.problems import SpecError
from tests.support import foreign_models

SPEC = """\
version: 1
name: demo
store: ./store
inputs:
  base: {model: ernie/*}
  labels: {task_data: labels/*}
steps:
  - finetune:
  - export_model: {to: hf}
"""


def read(*edits: str) -> dict[str, list[str]]:
    """Port -> what is bound to it, of the last step."""
    job = parser.parse(SPEC, "demo.yaml", [document.edit(edit) for edit in edits])
    return {port: [b.source for b in group] for port, group in job.steps[-1].inputs.items()}


def test_a_choice_between_two_models_is_asked_for_and_made_with_from() -> None:
    with pytest.raises(
        SpecError, match=r"reads base and finetune, but writes one model: `from: {finetuned: \[\]}` takes"
    ):
        read()
    assert read("export_model.from={finetuned: []}") == {"model": ["base"]}
    assert read("export_model.from={model: []}") == {"finetuned": ["finetune"]}


def test_a_model_is_written_in_the_form_that_is_asked_for(tmp_path: Path) -> None:
    model, out = tmp_path / "model", tmp_path / "out"
    model.mkdir()
    out.mkdir()
    shape = config.shape("2L32H4", 50)
    weights = {f"ernie.{name}": np.ones(sides, np.float32) for name, sides in expected.encoder(shape).items()}
    arrays.write_arrays(weights, model / arrays.FILE)
    config.write(shape, model, "ErnieModel")
    WordPieceTokenizer(foreign_models.TOKENS).save(model)
    run = cast(Any, ExportModel(to="hf").run)
    scores = run(model, None, out, cast(Here, None))
    assert json.loads((out / "config.json").read_text())["architectures"] == ["ErnieModel"]
    assert (out / "model.safetensors").is_file() and (out / "tokenizer.json").is_file()
    assert scores["parameters"] == sum(array.size for array in weights.values())
