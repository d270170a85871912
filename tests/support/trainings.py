"""Small trainings for the tests that disturb them: their specs, and what shows how far they are and how they ended."""

import contextlib
import hashlib
import json
from pathlib import Path

from machines import Machine

TEXT = "  - segment:\n  - vocab: {size: 600, english_size: 0, han: seen}\n  - ids:\n"


def steps(max_steps: int = 600, every: int = 50, **more: object) -> str:
    """The steps of a job that trains a tiny model; `more` are settings of `pretrain`."""
    settings: dict[str, object] = {
        "arch": "1L32H2", "max_seq_len": 32, "micro_batch_size": 4, "global_batch_size": 8, "max_steps": max_steps,
        "checkpoint_steps": every, "logging_freq": 10, "split": "1", "eval_iters": 0, "cpu": 1, "memory": "1GiB",
    }  # fmt: skip
    return f"{TEXT}  - pretrain: {json.dumps(settings | more)}\n"


def checkpoints(store: Path) -> list[int]:
    """The steps of the checkpoints in a store that is a folder."""
    return sorted(int(path.parent.name[6:]) for path in store.glob("pretrain/*/model_[0-9]*/MANIFEST.json"))


def log(machine: Machine, store: Path) -> str:
    """What all processes of the training have said, in all runs."""
    return "".join(path.read_text() for path in sorted(store.glob("runs/*/*/logs/pretrain.log")))


def model(store: Path) -> dict[str, str]:
    """Every file of the trained model, but for how it was made."""
    (folder,) = store.glob("pretrain/*/data-*")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def processes(machine: Machine) -> dict[str, int]:
    """The living processes of the training of a machine: `rank 0`, `rank 1`, ..., and `step`, which leads them or is
    alone."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (place / "environ").read_bytes().split(b"\0")
            if f"ERNIE_JOBS_HOME={machine.home}".encode() in words and b"pretrain" in (place / "cmdline").read_bytes():
                rank = next((w[18:].decode() for w in words if w.startswith(b"PADDLE_TRAINER_ID=")), None)
                found["step" if rank is None else f"rank {rank}"] = int(place.name)
    return found


def at(machine: Machine) -> int:
    """The step that the training is at, as it says."""
    for file in machine.home.glob("scratch/*/pretrain/progress.json"):
        with contextlib.suppress(ValueError, OSError):
            row = json.loads(file.read_text())
            if row.get("unit") == "steps":
                return int(row["done"])
    return 0
