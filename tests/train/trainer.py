"""A training in a process of its own, for the tests that kill it: trainer.py <corpus> <root> [setting=value ...]."""

import json
import signal
import sys
from pathlib import Path

from ernie_core import errors
from ernie_core.pretrain import pretrain
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.store import open_store
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.parallel.join import join

TINY = {
    "arch": "1L32H2", "max_steps": 40, "max_seq_len": 32, "micro_batch_size": 4, "global_batch_size": 8,
    "split": "90,10", "eval_freq": 10, "eval_iters": 1, "checkpoint_steps": 3, "save_steps": 20, "max_lr": 1e-3,
}  # fmt: skip


ENDLESS = 1999
"""Steps that nobody waits for, of a training that is going to be killed; at 2,000 its log would have fewer lines."""


def train(corpus: Path, root: Path, **settings: object) -> dict[str, float]:
    """Train below `root`: checkpoints in root/store/pretrain/x, the model in root/model."""
    stop = settings.pop("stop", lambda: False)
    fresh = bool(settings.pop("start_fresh", False))
    init, cache, vocab = (settings.pop(name, None) for name in ("init", "cache", "vocab"))
    team = join()
    scratch = root / "scratch" / str(team.rank)
    for folder in (root / "model", scratch):
        folder.mkdir(parents=True, exist_ok=True)
    return pretrain.run(
        [(corpus, 1.0)],
        Path(vocab) if vocab else corpus,
        root / "model",
        PretrainRecipe(**{**TINY, **settings}),
        checkpoints=CheckpointLocation(open_store(root / "store"), "pretrain/x", scratch),
        init=Path(init) if init else None,
        cache=Path(str(cache).format(rank=team.rank)) if cache else None,
        team=team,
        stop=stop,
        start_fresh=fresh,
    )


def reached(root: Path) -> int:
    """The step of the last checkpoint below `root`; 0 for none."""
    last = root / "store/pretrain/x/model_last"
    return int(last.readlink().name.removeprefix("model_")) if last.is_symlink() else 0


def main() -> None:
    """Train with the settings of the command line; SIGTERM stops it."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    settings = {name: json.loads(value) for name, value in (text.split("=", 1) for text in sys.argv[3:])}
    try:
        train(Path(sys.argv[1]), Path(sys.argv[2]), stop=lambda: bool(asked), **settings)
    except errors.Error as e:
        print(e, file=sys.stderr)
        sys.exit(e.exit_code)


if __name__ == "__main__":
    main()
