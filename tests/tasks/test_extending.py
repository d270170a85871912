"""The task that the documentation adds works from fine-tuning to answers."""

import json
import re
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
import tiny_task

from ernie_core.compress import inference
from ernie_core.serve import evaluation
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks import known
from ernie_core.tasks.data import DataFacts
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.known import Known

PAGE = Path(__file__).parents[2] / "docs/extending/task.md"
NAME = "multi_label_classification"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The code of the page as the module that it is to be, with its row."""
    (code,) = re.findall(rf'```python title="ernie_core/tasks/{NAME}.py"\n(.*?)```', PAGE.read_text("utf-8"), re.DOTALL)
    spec = spec_from_loader(f"ernie_core.tasks.{NAME}", loader=None)
    assert spec
    made = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(code, str(PAGE), "exec"), made.__dict__)
    monkeypatch.setitem(known.TASKS, NAME, Known("micro_f1", ("micro_f1",), ("share_*",)))
    return made


def test_the_task_of_the_page_learns_is_exported_and_answers(module: ModuleType, tmp_path: Path) -> None:
    model, data = tiny_task.model(tmp_path / "model"), tiny_task.task_data(tmp_path / "data")
    for file in data.glob("*.jsonl"):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        tiny_task.write(file, [{**row, "labels": [row["label"]]} for row in rows])
    folders = {name: tmp_path / name for name in ("finetuned", "inference", "scratch", "report")}
    for folder in folders.values():
        folder.mkdir()
    DataFacts(NAME).write(data)
    recipe = replace(tiny_task.QUICK, num_train_epochs=4.0)
    assert finetune(model, data, folders["finetuned"], recipe)["test_micro_f1"] > 0.9
    scores = inference.build(folders["finetuned"], data, folders["inference"], folders["scratch"])
    assert scores["micro_f1_fp32"] > 0.9 and scores["agreement"] > 0.9
    predictor = Predictor.open(folders["inference"], engine="onnxruntime")
    assert evaluation.score(predictor, data, folders["report"], split="test")["micro_f1"] > 0.9
    (answer,) = predictor.predict([f"天{tiny_task.GOOD}地"])
    assert answer.text() == "labels: positive"
