"""The content of a checkpoint: the whole state of a run, under PaddleNLP's file names."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paddle

from ernie_core.errors import BadInput, Refused
from ernie_core.model import config as configs
from ernie_core.model import weights
from ernie_core.model.arrays import Arrays, read_arrays
from ernie_core.text import tokenizer as tokenizers
from ernie_core.train.objective import Facts, Identity
from ernie_core.train.optim.adamw import MASTER, few
from ernie_core.train.optim.optimiser import Optimiser

OPTIMISER = "model_state.pdopt"
BEST = "best_state.pdparams"
"""Weights of the best evaluation so far, if they are kept and are not those of the step itself."""
STATE = "state.json"
LOG = "train_log.jsonl"

FORMAT = 2
"""The `format` in state.json: the optimiser's state is complete. Format 1 has no such key: it lacks the state of
parameters that were never updated, and the settings `_UNSAID`."""
_UNSAID = frozenset({"decay_steps", "eval_freq", "eval_iters", "scale_loss"})

_SHARE = re.compile(r"model_state(?:-(\d{5})-of-(\d{5}))?\.pdopt")


@dataclass
class Progressed:
    """The progress of a run: everything but the weights and the optimiser's state."""

    step: int = 0
    lines: list[str] = field(default_factory=list)
    """The lines of train_log.jsonl."""
    sums: list[float] = field(default_factory=list)
    """Sums of the losses since the last of those lines."""
    summed: int = 0
    """Number of steps in `sums`."""
    scaler: dict[str, float] = field(default_factory=dict)
    """State of the loss scaler as it was read; empty without one."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further state, as JSON values: of guards, the best evaluation, and the objective."""


def optimiser_file(rank: int, world: int) -> str:
    """The file in which a rank writes its share of the optimiser's state."""
    return OPTIMISER if world == 1 else f"model_state-{rank:05d}-of-{world:05d}.pdopt"


def texts(net: paddle.nn.Layer, at: Progressed, identity: Identity, scaler: Mapping[str, float]) -> dict[str, bytes]:
    """The small files except the tokenizer's; config.yml last, as PaddleNLP does."""
    state = {"step": at.step, "sums": at.sums, "summed": at.summed, "scaler": dict(scaler), "extra": at.extra}
    state |= {"must": identity.must, "note": identity.note, "format": FORMAT}
    config = (
        f"consumed_samples: {at.step * identity.samples}\nglobal_batch_size: {identity.samples}\n"
        f"global_step: {at.step}\nmodel_name: {json.dumps(identity.title)}\n"
    )
    return {
        configs.FILE: configs.encode(net.config, net.architecture),
        LOG: "".join(f"{line}\n" for line in at.lines).encode(),
        STATE: (json.dumps(state, indent=1, sort_keys=True) + "\n").encode(),
        "config.yml": config.encode(),
    }


def read(folder: Path, net: paddle.nn.Layer, adamw: Optimiser, identity: Identity) -> tuple[Progressed, list[str]]:
    """Set net and optimiser from a checkpoint; returns its progress, and notes on what may change bits.

    Every process reads the whole state, written by any number of processes. Refused, with a table, if the checkpoint
    is of a run that differs in anything that changes results; BadInput if part of the optimiser's state is missing.
    """
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    first = _form(state, folder) == 1
    unsaid = (_UNSAID & identity.must.keys()) - state["must"].keys() if first else frozenset()
    differing = _table(state["must"], {name: fact for name, fact in identity.must.items() if name not in unsaid})
    if differing:
        raise Refused(
            f"{folder} is of a run with other settings:\n" + "\n".join(differing) + "\n"
            "undo the change, or train under another address: resuming would mix two runs"
        )
    state_of_all = _shares(folder)
    weights.load(net, folder)
    try:
        fresh = adamw.restore(state_of_all, partial=first)
    except BadInput as e:
        raise BadInput(f"{folder}: {e}; delete it, then training resumes from the checkpoint before it") from e
    lines = (folder / LOG).read_text(encoding="utf-8").split("\n")[:-1]
    notes = _table(state["note"], identity.note)
    if notes:
        notes = ["the checkpoint was written under other conditions, so bits may differ from a single run:", *notes]
    if fresh:
        notes.append(f"the optimiser's state of {few(fresh)} starts at zero: an earlier version did not save it")
    if unsaid:
        notes.append(f"the checkpoint was written without {', '.join(sorted(unsaid))}: assumed to be as they are now")
    at = Progressed(state["step"], lines, state["sums"], state["summed"])
    at.scaler, at.extra = state.get("scaler", {}), state.get("extra", {})
    return at, notes


def trained(net: paddle.nn.Layer, folder: Path) -> Arrays:
    """The weights in a checkpoint as the optimiser has them: those in half precision before rounding."""
    arrays, state = read_arrays(folder / weights.FILE), _shares(folder)
    masters = {p.name: state[key] for name, p in net.named_parameters() if (key := f"{name}.{MASTER}") in state}
    return {name: masters.get(tensor.name, arrays[name]) for name, tensor in net.state_dict().items()}


def copy_tokenizer(vocab: Path, folder: Path) -> None:
    """Copy the tokenizer's files from the folder `vocab` to a model."""
    for path in tokenizers.present(vocab):
        shutil.copyfile(path, folder / path.name)


def _shares(folder: Path) -> Arrays:
    """The optimiser's state from the files of all ranks."""
    found: Arrays = {}
    parts = {path: match for path in sorted(folder.iterdir()) if (match := _SHARE.fullmatch(path.name))}
    if [(match[1], match[2]) for match in parts.values()] not in (
        [(None, None)],
        [(f"{rank:05d}", f"{len(parts):05d}") for rank in range(len(parts))],
    ):
        raise BadInput(f"{folder}: these are not all files of one optimiser state: {', '.join(p.name for p in parts)}")
    for path in parts:
        arrays = read_arrays(path)
        if twice := sorted(found.keys() & arrays.keys()):
            raise BadInput(f"{path}: holds {twice[0]}, which another file holds too")
        found |= arrays
    return found


def _form(state: Mapping[str, object], folder: Path) -> int:
    form = state.get("format", 1)
    if form not in (1, FORMAT):
        raise BadInput(f"{folder / STATE}: has format {form}, this version reads 1 and {FORMAT}: use a later version")
    return int(form)


def _table(then: Facts, now: Facts) -> list[str]:
    names = [name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)]
    width = max(map(len, names), default=0)
    return [f"  {name:<{width}}  checkpoint: {then.get(name)}  now: {now.get(name)}" for name in names]
