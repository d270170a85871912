"""Ties a training to what shows it: curves, figures for Prometheus, measured times, the report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ernie_core.model.config import ErnieConfig
from ernie_core.pretrain import flops
from ernie_core.pretrain.recipe import Recipe
from ernie_core.train.checkpoint.commit import Place
from ernie_core.train.monitor import history, scalars
from ernie_core.train.monitor.log import Log, View
from ernie_core.train.monitor.prometheus import Exposition
from ernie_core.train.monitor.report.markup import Value
from ernie_core.train.monitor.report.page import Subject

RUNS = "runs"
"""The folder of event files beside the checkpoints, where the store is a file system."""


def subject(
    address: str, recipe: Recipe, config: ErnieConfig, parameters: int, data: Sequence[Mapping[str, Value]] = ()
) -> Subject:
    """What the report is about; `data` has a row for each corpus."""
    return Subject(address, recipe, _flops(recipe, config), parameters, data)


def begin(
    log: Log, place: Place, config: ErnieConfig, step: int, curve: Sequence[str], *, textfiles: Path | None = None,
    rank: int = 0,
) -> None:  # fmt: skip
    """Open everything that shows a run which goes on after `step`, with the curve so far; then its first step comes.

    Event files and times have one writer, rank 0. `textfiles` is the folder of the node's collector, for one process
    of every node. An object store cannot append: there the report, replaced at every commit, shows the curves.
    """
    views: list[View] = []
    times: list[str] = []
    if rank == 0:
        times = history.begin(place, step)
        if folder := place.store.path(place.of(RUNS)):
            texts = {"model_config": asdict(config), "args": asdict(log.recipe)}
            shown = {tag: json.dumps(said, indent=1, ensure_ascii=False) for tag, said in texts.items()}
            views.append(scalars.begin(folder, step, shown, curve))
    if textfiles is not None:
        views.append(Exposition(textfiles, place.address, rank))
    log.flops = _flops(log.recipe, config)
    log.begin(times, views)
    if step:
        log.lasting["checkpoint/step"] = step


def end(log: Log) -> None:
    """The training is done: nothing shows it as going on."""
    for view in log.views:
        if isinstance(view, Exposition):
            view.close()
    log.views = []


def _flops(recipe: Recipe, config: ErnieConfig) -> float:
    return flops.of_token(config, recipe.max_seq_len, recipe.masked_lm_prob, binary_head=recipe.binary_head)
