"""A fine-tuning in a process of its own, for the tests that kill it: finetuner.py <root> [setting=value ...].

The pretrained model and the examples are below `root/..`.
"""

import json
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from ernie_core import errors
from ernie_core.store import open_store
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.parallel.join import join

TINY = {
    "max_seq_len": 16, "batch_size": 16, "learning_rate": 1e-2, "num_train_epochs": 2.0, "eval_steps": 7,
    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "checkpoint_steps": 3, "logging_freq": 1,
}  # fmt: skip


def train(root: Path, stop: Callable[[], bool] = lambda: False, **settings: object) -> Mapping[str, float]:
    """Fine-tune below `root`: checkpoints in root/store/finetune/x, the task model in root/model."""
    team = join()
    scratch = root / "scratch" / str(team.rank)
    for folder in (root / "model", scratch):
        folder.mkdir(parents=True, exist_ok=True)
    place = CheckpointLocation(open_store(root / "store"), "finetune/x", scratch)
    model, data = root.parent / "pretrained", root.parent / "data"
    recipe = FinetuneRecipe(**{**TINY, **settings})
    return finetune(model, data, root / "model", recipe, checkpoints=place, team=team, stop=stop)


def reached(root: Path) -> int:
    """The step of the last checkpoint below `root`; 0 for none."""
    last = root / "store/finetune/x/model_last"
    return int(last.readlink().name.removeprefix("model_")) if last.is_symlink() else 0


def main() -> None:
    """Fine-tune with the settings of the command line; SIGTERM stops it."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    settings = {name: json.loads(value) for name, value in (text.split("=", 1) for text in sys.argv[2:])}
    try:
        train(Path(sys.argv[1]), stop=lambda: bool(asked), **settings)
    except errors.Error as e:
        print(e, file=sys.stderr)
        sys.exit(e.exit_code)


if __name__ == "__main__":
    main()
