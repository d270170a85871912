"""Both supported versions of Paddle train alike, and each resumes from a checkpoint of the other."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from train import trainer

OTHER = os.environ.get("ERNIE_OTHER_PADDLE")
TOP = Path(__file__).parents[2]
STEPS = {"warmup_rate": 0.0, "decay_steps": 30}

pytestmark = pytest.mark.skipif(
    not OTHER,
    reason="ERNIE_OTHER_PADDLE names no Python that has the other Paddle: `make paddle3`, .paddle3/bin/python",
)


def with_this(corpus: Path, root: Path, max_steps: int) -> None:
    trainer.train(corpus, root, **STEPS, max_steps=max_steps)


def with_other(corpus: Path, root: Path, max_steps: int) -> str:
    """Train in a process of the other Python; returns what it said."""
    words = [f"{name}={value}" for name, value in (STEPS | {"max_steps": max_steps}).items()]
    done = subprocess.run(
        [str(OTHER), str(TOP / "tests/train/trainer.py"), str(corpus), str(root), *words],
        env={**os.environ, "PYTHONPATH": str(TOP)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def losses(root: Path) -> list[float]:
    """Of every step and evaluation, all parts of them."""
    lines = (root / "model/train_log.jsonl").read_text().splitlines()
    return [value for text in lines for name, value in json.loads(text).items() if name.endswith("loss")]


def test_both_train_alike_and_go_on_from_each_other(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    this, other = tmp_path / "this", tmp_path / "other"
    with_this(corpus, this, 20)
    with_other(corpus, other, 20)
    assert len(losses(this)) == 3 * (20 + 2)
    assert losses(other) == pytest.approx(losses(this), abs=1e-5)

    said = with_other(corpus, this, 24)
    assert "resuming after step 20 of 24" in said and "paddle" in said, "the change of Paddle is noted"
    capsys.readouterr()
    with_this(corpus, other, 24)
    assert "resuming after step 20 of 24" in capsys.readouterr().err
    assert len(losses(this)) == 3 * (24 + 2)
    assert losses(other) == pytest.approx(losses(this), abs=1e-5)
