"""Pretraining: masked tokens and sentence order, on any number of processes, resumable to the bit at every step."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import paddle

from ernie_core.data.cache import Cache
from ernie_core.pretrain.objective import Pretraining
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.runtime import keep_signals
from ernie_core.train import loop
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.optim import precision
from ernie_core.train.parallel.team import ALONE, Team


def run(
    ids: Sequence[tuple[Path, float]],
    vocab: Path,
    model: Path,
    recipe: PretrainRecipe,
    *,
    checkpoints: CheckpointLocation,
    init: Path | None = None,
    cache: Path | None = None,
    textfiles: Path | None = None,
    team: Team = ALONE,
    progress: Progress = silent,
    stop: Stop = never,
    start_fresh: bool = False,
) -> Mapping[str, float]:
    """Train a model on folders of ids with weights, into the folder `model`; returns its scores.

    Starts from random weights, or from those of a model folder `init`. Data that are expensive to make are kept in
    `cache`, a folder of the machine. The other arguments are those of `ernie_core.train.loop.run`.
    """
    keep_signals()
    precision.check(recipe, paddle.device.get_device())
    recipe.accumulate(team.world)
    quiet = silent if team.rank else progress
    # each pod has its own folder, filled by its first process; if the folder is shared, they may race
    keep = Cache(cache, maker=team.local == 0, progress=quiet, stop=stop) if cache else None
    return loop.run(
        Pretraining.of(ids, vocab, recipe, init, keep), model, checkpoints=checkpoints, team=team,
        textfiles=textfiles, progress=progress, stop=stop, start_fresh=start_fresh,
    )  # fmt: skip
