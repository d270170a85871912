"""A fine-tuning that was interrupted ends with the same bits as one that was not, on one process and on two."""

import hashlib
import json
import random
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import tiny_tags
import tiny_task
from tasks import finetuner
from train import launching

from ernie_core import errors
from ernie_core.model import weights
from ernie_core.model.arrays import read_arrays
from ernie_core.tasks import recipe

SCRIPT = Path(finetuner.__file__)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretrained model and labelled examples, of which the last batch of an epoch is smaller than the others."""
    home = tmp_path_factory.mktemp("finetune")
    tiny_task.model(home / "pretrained")
    tiny_task.task_data(home / "data", train=321)
    return home


@pytest.fixture(scope="module", params=["token_classification", "joint_intent_slots"])
def tagging(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The same for a task whose loss is a mean over tokens."""
    home = tmp_path_factory.mktemp("tagging")
    tiny_task.model(home / "pretrained")
    tiny_tags.data(home / "data", request.param, train=69)
    return home


def digests(root: Path) -> dict[str, str]:
    """Everything that a run left: the task model, and the state of the last checkpoint."""
    last = root / "store/finetune/x/model_last"
    written = sorted(path for path in (root / "model").rglob("*") if path.is_file())
    files = [*written, *sorted(last.glob("*.pd*")), last / "state.json"]
    return {f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def start(world: int, root: Path, **settings: object) -> list["subprocess.Popen[str]"]:
    words = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    return launching.start(world, SCRIPT, str(root), *words)


def after(steps: int) -> Callable[[], bool]:
    """Asks to stop in a step."""
    left = iter(range(steps - 1))
    return lambda: next(left, None) is None


def curve(root: Path) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = json.loads((root / "model/metrics.json").read_text())["curve"]
    return rows


def test_stopping_anywhere_changes_no_bit(home: Path) -> None:
    finetuner.train(home / "through")
    assert len(curve(home / "through")) == 6
    for step in (1, 7, 8, 21, 22, 41):
        root = home / f"stopped-{step}"
        with pytest.raises(errors.Stopped, match=f"stopped after step {step}, committed"):
            finetuner.train(root, stop=after(step))
        finetuner.train(root)
        assert digests(root) == digests(home / "through"), f"stopped after step {step}"


def test_the_best_weights_survive_a_stop_though_later_ones_are_worse(home: Path) -> None:
    spoiled = {"learning_rate": 0.03, "num_train_epochs": 3.0, "eval_steps": 2}
    finetuner.train(home / "best", **spoiled)
    said = json.loads((home / "best/model/metrics.json").read_text())
    assert said["best_step"] < said["curve"][-1]["step"]
    for step in (said["best_step"], said["best_step"] + 1):
        root = home / f"best-{step}"
        with pytest.raises(errors.Stopped):
            finetuner.train(root, stop=after(step), **spoiled)
        finetuner.train(root, **spoiled)
        assert digests(root) == digests(home / "best")


CHOICES = {
    "cosine": {"lr_scheduler_type": "cosine", "warmup_steps": 5},
    "epoch": {"evaluation_strategy": "epoch", "metric_for_best_model": "loss"},
    "frozen": {"freeze_embeddings": True, "freeze_layers": 1},
    "rdrop": {"rdrop_alpha": 1.0, "micro_batch_size": 8},
    "fgm": {"fgm_epsilon": 0.5, "micro_batch_size": 8},
}


@pytest.mark.parametrize("name", CHOICES)
def test_stopping_changes_no_bit_whatever_is_chosen(home: Path, name: str) -> None:
    choice, root = {**CHOICES[name], "num_train_epochs": 1.0}, home / f"chosen-{name}"
    finetuner.train(home / f"chosen-{name}-through", **choice)
    with pytest.raises(errors.Stopped):
        finetuner.train(root, stop=after(10), **choice)
    finetuner.train(root, **choice)
    assert digests(root) == digests(home / f"chosen-{name}-through")


def test_frozen_weights_have_no_moments(home: Path) -> None:
    finetuner.train(home / "frozen", freeze_embeddings=True, max_steps=3)
    state = read_arrays(home / "frozen/store/finetune/x/model_last/model_state.pdopt")
    moved = {key.rpartition(".")[0] for key, array in state.items() if key.endswith(".moment2") and array.any()}
    assert not any("embeddings" in name for name in moved) and "classifier.weight" in moved


def test_a_checkpoint_of_a_version_without_the_choices_is_resumed(home: Path) -> None:
    with pytest.raises(errors.Stopped):
        finetuner.train(home / "earlier", stop=after(3), max_steps=5)
    state = json.loads((home / "earlier/store/finetune/x/model_last/state.json").read_text())
    assert not recipe.CHOICES & state["must"].keys()


def test_it_ends_once_it_does_not_get_better_and_a_resume_knows_it(home: Path) -> None:
    patient = {"learning_rate": 0.03, "num_train_epochs": 40.0, "eval_steps": 2, "early_stopping_patience": 3}
    scores = finetuner.train(home / "early", **patient)
    said = json.loads((home / "early/model/metrics.json").read_text())
    steps = [row["step"] for row in said["curve"]]
    assert steps[-1] < 840 and steps[-1] == said["best_step"] + 6
    before = digests(home / "early")
    assert finetuner.train(home / "early", **patient) == scores
    assert digests(home / "early") == before


@pytest.mark.slow
@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("choices", [{}, {"rdrop_alpha": 0.5, "fgm_epsilon": 0.5, "freeze_layers": 1}], ids=["", "all"])
def test_killed_at_random_steps_it_ends_with_the_same_bits(
    home: Path, world: int, choices: Mapping[str, object]
) -> None:
    lives, epochs = (5, 4.0) if choices else (10, 8.0)
    killed_at_random(home, world, lives=lives, num_train_epochs=epochs, **choices)


@pytest.mark.slow
def test_a_task_with_tags_that_is_killed_ends_with_the_same_bits(tagging: Path) -> None:
    killed_at_random(tagging, 2, lives=3, num_train_epochs=14.0)


def killed_at_random(home: Path, world: int, *, lives: int, **choices: object) -> None:
    name = f"{world}-{len(choices)}"
    moments, root, through = random.Random(11), home / f"killed-{name}", home / f"through-{name}"
    settings = {"eval_steps": 9, **choices}
    launching.finish(start(world, through, **settings))
    for life in range(lives):
        processes, until = start(world, root, **settings), finetuner.reached(root) + moments.randint(1, 14)
        assert processes[0].stderr is not None
        for text in processes[0].stderr:
            if text.startswith("global step ") and int(text.split()[2].rstrip(",")) >= until:
                break
        time.sleep(moments.uniform(0.0, 0.03))
        processes[life % world].kill()
        launching.hear(processes)
        assert processes[life % world].returncode in (-signal.SIGKILL, 0)
    launching.finish(start(world, root, **settings))
    assert digests(root) == digests(through)


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [False, True])
def test_two_processes_and_micro_batches_train_as_one_process_does(home: Path, frozen: bool) -> None:
    home = home / f"together-{frozen}"
    home.mkdir()
    for name in ("pretrained", "data"):
        (home / name).symlink_to(home.parent / name)
    trained_alike(home, **({"freeze_embeddings": True, "freeze_layers": 1} if frozen else {}))


@pytest.mark.slow
def test_they_do_for_a_task_with_tags_too(tagging: Path) -> None:
    trained_alike(tagging)


def trained_alike(home: Path, **choices: object) -> None:
    still: dict[str, object] = {
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "num_train_epochs": 1.2,
    }
    still |= choices
    finetuner.train(home / "one", **still)
    launching.finish(start(2, home / "two", **still))
    finetuner.train(home / "accumulated", **still, micro_batch_size=4)
    launching.finish(start(2, home / "both", **still, micro_batch_size=4))
    wanted = read_arrays(home / "one/model" / weights.FILE)
    for name in ("two", "accumulated", "both"):
        found = read_arrays(home / name / "model" / weights.FILE)
        assert all(np.allclose(wanted[key], found[key], atol=2e-4) for key in wanted), name
        for row, other in zip(curve(home / "one"), curve(home / name), strict=True):
            assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)


def test_a_resume_with_other_settings_or_data_is_refused_with_a_table(home: Path) -> None:
    with pytest.raises(errors.Stopped):
        finetuner.train(home / "other", stop=after(3))
    with pytest.raises(errors.Refused, match=r"learning_rate +checkpoint: 0.01 +now: 0.02"):
        finetuner.train(home / "other", learning_rate=0.02)


def test_more_epochs_continue_what_is_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finetuner.train(home / "longer", num_train_epochs=1.0)
    capsys.readouterr()
    finetuner.train(home / "longer", num_train_epochs=2.0)
    assert "resuming after step 21 of 42" in capsys.readouterr().err


def test_a_batch_that_does_not_divide_is_refused_with_the_numbers(home: Path) -> None:
    with pytest.raises(errors.BadInput, match="batch_size 16 is not a multiple of micro_batch_size 5"):
        finetuner.train(home / "odd", micro_batch_size=5)
    odd = finetuner.FinetuneRecipe(batch_size=24, micro_batch_size=8)
    with pytest.raises(errors.BadInput, match="batch_size 24 does not divide into 2 processes"):
        odd.micro_batches(2)
