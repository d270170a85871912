"""What a checkpoint holds: the whole state of a run, under the file names that PaddleNLP's users know."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ernie_core.errors import BadInput, Refused
from ernie_core.model import config as configs
from ernie_core.model import weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.model.weights import Arrays
from ernie_core.train.optim.adamw import MASTER, few
from ernie_core.train.optim.optimiser import Optimiser

OPTIMISER = "model_state.pdopt"
STATE = "state.json"
LOG = "train_log.jsonl"
TOKENIZER = ("vocab.txt", "tokenizer_config.json", "special_tokens_map.json")

FORMAT = 2
"""What state.json says as `format`: the optimiser's state is whole. The first format has no such mark: it holds nothing
of parameters that were never updated, and does not say `_UNSAID`."""
_UNSAID = frozenset({"decay_steps", "eval_freq", "eval_iters", "scale_loss"})

_SHARE = re.compile(r"model_state(?:-(\d{5})-of-(\d{5}))?\.pdopt")

Facts = Mapping[str, str | int | float | bool]


@dataclass
class Progressed:
    """How far a run is: everything but the weights and the optimiser's state."""

    step: int = 0
    lines: list[str] = field(default_factory=list)
    """The lines of train_log.jsonl."""
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    """Loss, masked-token loss and order loss, summed since the last of those lines."""
    summed: int = 0
    scaler: dict[str, float] = field(default_factory=dict)
    """The state of the loss scaler, as it was read; empty without one."""
    extra: dict[str, float | str | list[float]] = field(default_factory=dict)
    """What else must go on where it was: guards and their like."""


@dataclass(frozen=True)
class Identity:
    """What a run is: facts that must be equal for it to go on, and facts that only change bits."""

    must: Facts
    note: Facts


def optimiser_file(rank: int, world: int) -> str:
    """The file in which a rank writes its share of the optimiser's state."""
    return OPTIMISER if world == 1 else f"model_state-{rank:05d}-of-{world:05d}.pdopt"


def texts(
    net: ErnieForPretraining, at: Progressed, identity: Identity, scaler: Mapping[str, float]
) -> dict[str, bytes]:
    """The small files but the tokenizer's; config.yml last, as PaddleNLP does."""
    state = {"step": at.step, "sums": at.sums, "summed": at.summed, "scaler": dict(scaler), "extra": at.extra}
    state |= {"must": identity.must, "note": identity.note, "format": FORMAT}
    batch = int(identity.must["global_batch_size"])
    config = (
        f"consumed_samples: {at.step * batch}\nglobal_batch_size: {batch}\nglobal_step: {at.step}\n"
        f"model_name: {json.dumps(str(identity.must['arch']))}\n"
    )
    return {
        configs.FILE: configs.encode(net.config, net.architecture),
        LOG: "".join(f"{line}\n" for line in at.lines).encode(),
        STATE: (json.dumps(state, indent=1, sort_keys=True) + "\n").encode(),
        "config.yml": config.encode(),
    }


def read(folder: Path, net: ErnieForPretraining, adamw: Optimiser, identity: Identity) -> tuple[Progressed, list[str]]:
    """Set net and optimiser from a checkpoint and say how far it is; notes on what may change bits.

    However many processes wrote it, each one that reads it gets everything. Refused, with a table, if the checkpoint
    is of a run that differs in anything that changes results; BadInput if it lacks something of the optimiser's state.
    """
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    first = _form(state, folder) == 1
    unsaid = (_UNSAID & identity.must.keys()) - state["must"].keys() if first else frozenset()
    differing = _table(state["must"], {name: fact for name, fact in identity.must.items() if name not in unsaid})
    if differing:
        raise Refused(
            f"{folder} is of a run with other settings:\n" + "\n".join(differing) + "\n"
            "undo the change, or train under another address: going on would mix two runs"
        )
    found = _shares(folder)
    weights.load(net, folder)
    try:
        anew = adamw.restore(found, partial=first)
    except BadInput as e:
        raise BadInput(f"{folder}: {e}; delete it, and the training goes on from the checkpoint before it") from e
    lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    notes = _table(state["note"], identity.note)
    if notes:
        notes = ["the checkpoint was written under other conditions, so bits may differ from one run through:", *notes]
    if anew:
        notes.append(f"the optimiser's state of {few(anew)} begins anew: an earlier version left out what it had")
    if unsaid:
        notes.append(f"the checkpoint was written without {', '.join(sorted(unsaid))}: taken to be as they are now")
    at = Progressed(state["step"], lines, state["sums"], state["summed"])
    at.scaler, at.extra = state.get("scaler", {}), state.get("extra", {})
    return at, notes


def trained(net: ErnieForPretraining, folder: Path) -> Arrays:
    """The weights in a checkpoint of a net as the optimiser has them: those in half precision before rounding."""
    arrays, state = weights.read_arrays(folder / weights.FILE), _shares(folder)
    masters = {p.name: state[key] for name, p in net.named_parameters() if (key := f"{name}.{MASTER}") in state}
    return {name: masters.get(tensor.name, arrays[name]) for name, tensor in net.state_dict().items()}


def copy_tokenizer(vocab: Path, folder: Path) -> None:
    """The vocabulary goes with every model."""
    for name in TOKENIZER:
        if (vocab / name).is_file():
            shutil.copyfile(vocab / name, folder / name)


def _shares(folder: Path) -> Arrays:
    """The optimiser's state of all who wrote it."""
    found: Arrays = {}
    parts = {path: match for path in sorted(folder.iterdir()) if (match := _SHARE.fullmatch(path.name))}
    if [(match[1], match[2]) for match in parts.values()] not in (
        [(None, None)],
        [(f"{rank:05d}", f"{len(parts):05d}") for rank in range(len(parts))],
    ):
        raise BadInput(f"{folder}: these are not all shares of one state: {', '.join(p.name for p in parts)}")
    for path in parts:
        arrays = weights.read_arrays(path)
        if twice := sorted(found.keys() & arrays.keys()):
            raise BadInput(f"{path}: holds {twice[0]}, which another share holds too")
        found |= arrays
    return found


def _form(state: Mapping[str, object], folder: Path) -> int:
    form = state.get("format", 1)
    if form not in (1, FORMAT):
        raise BadInput(f"{folder / STATE}: has format {form}, known are 1 and {FORMAT}: go on with a later version")
    return int(form)


def _table(then: Facts, now: Facts) -> list[str]:
    names = [name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)]
    width = max(map(len, names), default=0)
    return [f"  {name:<{width}}  checkpoint: {then.get(name)}  now: {now.get(name)}" for name in names]
