"""Opening a checkpoint of base size for fine-tuning, until its first step, compared with PaddleNLP's `from_pretrained`.

Run with `python benchmarks/opening.py [--vocab N] [--rounds N]` in the environment of the tests. Each round opens the
same folder in a process of its own, turn by turn: a pretrained encoder with random weights, into a net with a new head
for two labels. Imports and one tiny net before it do not count, reading the file (from memory) does.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ernie_core import runtime  # noqa: E402

runtime.fit_processor()

from ernie_core.model import config, weights  # noqa: E402
from ernie_core.model.heads import ErnieForPretraining  # noqa: E402

CHILD = Path(__file__).parent / "children/opening_child.py"
PEERS = ("ours", "PaddleNLP")


def main() -> None:
    """Make the checkpoints, then measure and print."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--vocab", type=int, default=40_000, help="number of words")
    wanted.add_argument("--rounds", type=int, default=3)
    chosen = wanted.parse_args()
    print("| model | who | CPU s, median [min..max] | wall s | theirs / ours |\n|---|---|---|---|---|")
    for kind in config.FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            shape = config.shape("base", chosen.vocab, model_type=kind)  # type: ignore[arg-type]
            weights.save(ErnieForPretraining(shape, kind == "ernie"), Path(folder))
            times: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
            for number in range(chosen.rounds):
                for name in PEERS[:: 1 if number % 2 else -1]:
                    times[name].append(opened(name, folder))
        ours = statistics.median(cpu for cpu, _ in times["ours"])
        for name, found in times.items():
            cpu, wall = ([row[k] for row in found] for k in (0, 1))
            middle = statistics.median(cpu)
            shown = f"{middle:.2f} [{min(cpu):.2f}..{max(cpu):.2f}] | {statistics.median(wall):.2f}"
            print(f"| {kind} | {name} | {shown} | {middle / ours:.2f}x |")


def opened(name: str, folder: str) -> tuple[float, float]:
    """CPU and wall seconds of one opening."""
    environment = {**os.environ, **runtime.paddle_environment(1), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(CHILD), name, folder]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    cpu, wall = json.loads(done.stdout.strip().splitlines()[-1])
    return cpu, wall


if __name__ == "__main__":
    main()
