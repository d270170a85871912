"""Curves for VisualDL and TensorBoard: one event file of each per run, whatever the number of restarts."""

import errno
import functools
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ernie_core.progress import say
from ernie_core.train.monitor.event_files import TENSORBOARD, VISUALDL, Format, whole

FORMATS = (VISUALDL, TENSORBOARD)
MOST = 1 << 22
"""Most bytes of points that wait for space on the disk; beyond that they are dropped."""
SHOWN = ("train/", "valid/", "test/", "amp/", "speed/", "memory/")


@dataclass
class Scalars:
    """A view of a log: appends the figures of a step to the event files in a folder.

    The figures of a step are one write, and a start truncates torn records and those of steps that are repeated, so
    neither a kill nor a resume leaves a wrong or duplicate point. On a full disk points wait for the next step.
    """

    folder: Path
    opening: Callable[[], None] | None = field(default=None, repr=False, compare=False)
    """Opens the files before the first point, if that failed at the start."""
    waiting: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, step: int, figures: Mapping[str, float]) -> None:
        """Add a point to every curve. OSError if it cannot be written now."""
        if self.opening is not None:
            self.opening()
            self.opening = None
        shown = {tag: value for tag, value in figures.items() if tag.startswith(SHOWN)}
        for form in FORMATS:
            points = self.waiting.get(form.file, b"") + form.scalars(step, time.time(), shown)
            self.waiting[form.file] = points if len(points) <= MOST else b""
        for form in FORMATS:
            _append(self.folder / form.file, self.waiting[form.file])
            self.waiting[form.file] = b""

    def __str__(self) -> str:
        return str(self.folder)


def begin(folder: Path, step: int, texts: Mapping[str, str], curve: Sequence[str] = ()) -> Scalars:
    """Open the curves of a run that resumes after `step` (0: begins).

    `texts` are shown with the curves (`model_config`, `args`). If the folder is empty, because the earlier one was on
    another machine, the curves begin with the lines of train_log.jsonl in the checkpoint, `curve`. On a full disk they
    are opened with the first point that can be written.
    """
    opening = functools.partial(_open, folder, step, texts, curve)
    try:
        opening()
    except OSError as error:
        say(f"{folder}: the curves could not be opened yet: {error}")
        return Scalars(folder, opening)
    return Scalars(folder)


def _open(folder: Path, step: int, texts: Mapping[str, str], curve: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for form in FORMATS:
        path = folder / form.file
        data = path.read_bytes() if path.is_file() else b""
        kept = whole(data, form, step)
        if kept < len(data):
            with open(path, "r+b") as file:
                file.truncate(kept)
        if kept == 0:
            _append(path, _from_the_start(form, texts, curve))


def _from_the_start(form: Format, texts: Mapping[str, str], curve: Sequence[str]) -> bytes:
    now = time.time()
    records = [form.opening(now), form.texts(0, now, texts)]
    for text in curve:
        row = json.loads(text)
        step, part = row.pop("step"), row.pop("part")
        records.append(form.scalars(step, now, {f"{part}/{name}": value for name, value in row.items()}))
    return b"".join(records)


def _append(path: Path, data: bytes) -> None:
    """Append all or nothing: half a point would spoil those after it."""
    with open(path, "ab", buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        if file.write(data) < len(data):
            file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
