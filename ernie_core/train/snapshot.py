"""What a checkpoint holds: the whole state of a run, under the file names that PaddleNLP's users know."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import paddle

from ernie_core.errors import Refused
from ernie_core.model import weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.train import optimiser

OPTIMISER = "model_state.pdopt"
STATE = "state.json"
LOG = "train_log.jsonl"
TOKENIZER = ("vocab.txt", "tokenizer_config.json", "special_tokens_map.json")

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


@dataclass(frozen=True)
class Identity:
    """What a run is: facts that must be equal for it to go on, and facts that only change bits."""

    must: Facts
    note: Facts


def write(
    folder: Path,
    net: ErnieForPretraining,
    adamw: paddle.optimizer.AdamW,
    at: Progressed,
    identity: Identity,
    vocab: Path,
) -> None:
    """Fill a folder; config.yml last, as PaddleNLP does."""
    weights.save(net, folder)
    weights.write_arrays(optimiser.state(adamw, net), folder / OPTIMISER)
    copy_tokenizer(vocab, folder)
    (folder / LOG).write_text("".join(f"{line}\n" for line in at.lines), encoding="utf-8")
    state = {"step": at.step, "sums": at.sums, "summed": at.summed, "must": identity.must, "note": identity.note}
    (folder / STATE).write_text(json.dumps(state, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    batch = int(identity.must["global_batch_size"])
    (folder / "config.yml").write_text(
        f"consumed_samples: {at.step * batch}\nglobal_batch_size: {batch}\nglobal_step: {at.step}\n"
        f"model_name: {json.dumps(str(identity.must['arch']))}\n",
        encoding="utf-8",
    )


def read(
    folder: Path, net: ErnieForPretraining, adamw: paddle.optimizer.AdamW, identity: Identity
) -> tuple[Progressed, list[str]]:
    """Set net and optimiser from a checkpoint and say how far it is; notes on what may change bits.

    Refused, with a table, if the checkpoint is of a run that differs in anything that changes results.
    """
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    differing = _table(state["must"], identity.must)
    if differing:
        raise Refused(
            f"{folder} is of a run with other settings:\n" + "\n".join(differing) + "\n"
            "undo the change, or train under another address: going on would mix two runs"
        )
    weights.load(net, folder)
    optimiser.restore(adamw, net, weights.read_arrays(folder / OPTIMISER))
    lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    notes = _table(state["note"], identity.note)
    if notes:
        notes = ["the checkpoint was written under other conditions, so bits may differ from one run through:", *notes]
    return Progressed(state["step"], lines, state["sums"], state["summed"]), notes


def copy_tokenizer(vocab: Path, folder: Path) -> None:
    """The vocabulary goes with every model."""
    for name in TOKENIZER:
        if (vocab / name).is_file():
            shutil.copyfile(vocab / name, folder / name)


def _table(then: Facts, now: Facts) -> list[str]:
    names = [name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)]
    width = max(map(len, names), default=0)
    return [f"  {name:<{width}}  checkpoint: {then.get(name)}  now: {now.get(name)}" for name in names]
