"""What is said of a step that is asked to stop, and for how long it is waited for."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import components
from ernie_core.store import Store, open_store, point
from jobs.local.process import KILL_AFTER, StepProcess


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def step(tmp_path: Path, component: str, **progress: object) -> StepProcess:
    """A step that says how far it is."""
    file = tmp_path / "progress.json"
    file.write_text(json.dumps(progress))
    node: Any = SimpleNamespace(step=components.find(component)(), points=(), address=f"{component}/x")
    task: Any = SimpleNamespace(progress=str(file))
    return StepProcess(node, None, task, tmp_path / "log", None)  # type: ignore[arg-type]


def test_a_timeout_waits_as_long_as_a_step_and_a_save_have_taken(tmp_path: Path) -> None:
    assert step(tmp_path, "pretrain", unit="steps", done=4, leave_seconds=412.5).patience == 412.5
    assert step(tmp_path, "pretrain", unit="steps", done=4, leave_seconds=2.5).patience == KILL_AFTER
    assert step(tmp_path, "segment", unit="pieces", done=4).patience == KILL_AFTER


def test_it_is_said_what_a_step_is_at(tmp_path: Path) -> None:
    assert (
        step(tmp_path, "pretrain", unit="steps", done=60, total=900).doing()
        == "in step 61 of 900, after which it saves"
    )
    assert step(tmp_path, "pretrain", unit="steps", done=61, doing="saving step 61").doing() == "saving step 61"
    assert step(tmp_path, "pretrain").doing() == "it does not report what it is doing"


def test_it_is_said_what_killing_it_would_lose(tmp_path: Path, store: Store) -> None:
    training = step(tmp_path, "pretrain", unit="steps", done=61, total=900)
    assert training.lost(store) == "steps 1 to 61 are lost, it resumes from the beginning"
    point(store, "pretrain/x/model_last", "model_40")
    assert training.lost(store) == "steps 41 to 61 are lost, it resumes from model_40"
    point(store, "pretrain/x/model_last", "model_61")
    assert training.lost(store) == "no step is lost, it resumes from model_61"
    assert step(tmp_path, "segment").lost(store) == "the pieces in progress are lost, finished ones are kept"
    assert step(tmp_path, "finetune", unit="examples", done=3).lost(store) == "it starts from the beginning next time"
    swept = step(tmp_path, "finetune", unit="points", done=3, total=9, doing="points 3/9: seed 4 steps 60/900")
    swept.node.points = (training.node,)
    assert swept.doing() == "points 3/9: seed 4 steps 60/900"
    assert swept.lost(store) == "finished points are kept, and each of the others resumes from its newest checkpoint"
