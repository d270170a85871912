"""Connects a training to its views: curves, figures for Prometheus, measured times, the report."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ernie_core.model.config import ErnieConfig
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.monitor import history, scalars
from ernie_core.train.monitor.log import Log, View
from ernie_core.train.monitor.prometheus import TextfileView

RUNS = "runs"
"""Folder of event files beside the checkpoints, where the store is a file system."""


def begin(
    log: Log, place: CheckpointLocation, config: ErnieConfig, step: int, curve: Sequence[str], *,
    textfiles: Path | None = None, rank: int = 0,
) -> None:  # fmt: skip
    """Open all views of a run that resumes after `step`, with the curve so far; call it right before the first step.

    Only rank 0 writes event files and times. `textfiles` is the folder of the node's collector, for one process
    of every node. An object store cannot append: there the report, replaced at every commit, shows the curves.
    """
    views: list[View] = []
    times: list[str] = []
    if rank == 0:
        times = history.begin(place, step)
        if folder := place.store.path(place.of(RUNS)):
            texts = {"model_config": config.facts(), "args": asdict(log.course.settings)}
            shown = {tag: json.dumps(values, indent=1, ensure_ascii=False) for tag, values in texts.items()}
            views.append(scalars.begin(folder, step, shown, curve))
    if textfiles is not None:
        views.append(TextfileView(textfiles, place.address, rank))
    log.begin(times, views)
    if step:
        log.lasting["checkpoint/step"] = step


def end(log: Log) -> None:
    """Close the views at the end of a training, so that none shows it as running."""
    for view in log.views:
        if isinstance(view, TextfileView):
            view.close()
    log.views = []
