"""The loss curve of a training from scratch compared with PaddleNLP's, on the same samples and schedule.

Run with `python benchmarks/curves.py --peer DIR [--steps 2000]` as pretrain.py; it writes pretrain_curves.csv beside
this file. Each starts from random weights of its own. PaddleNLP's mean over masked tokens counts what fills them up to
a multiple of 8, so ours is trained under that mean, too.
"""

import argparse
import csv
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pretrain

OUT = Path(__file__).with_name("pretrain_curves.csv")
EVERY, SMOOTH = 20, 11
"""Number of steps in a window, and of windows in the smoothing."""
COLUMNS = ("step", "ours", "ours_padded", "ours_lm", "ours_sop", "paddlenlp", "paddlenlp_lm", "paddlenlp_sop")
LINE = re.compile(r"global step (\d+), loss: ([\d.]+), lm_loss: ([\d.]+), sop_loss: ([\d.]+)")


def main() -> None:
    """Train three times, write the curves, and print how far apart they are."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--peer", type=Path, required=True)
    wanted.add_argument("--steps", type=int, default=2000)
    said = wanted.parse_args()
    shape = pretrain.Shape("pico", 64, 8, said.steps)
    curves = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        pretrain.corpus(work)
        for who in ("ours", "padded", "peer"):
            _, text = pretrain.train(who, shape, work, said.peer, logging_freq=EVERY, max_lr=1e-3)
            curves[who] = {int(step): [float(loss) for loss in losses] for step, *losses in LINE.findall(text)}
            print(f"{who}: {len(curves[who])} windows", file=sys.stderr, flush=True)
    ours, padded, peer = curves.values()
    if not ours.keys() == padded.keys() == peer.keys():
        sys.exit("the logs have different steps")
    with OUT.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for step, losses in ours.items():
            rows.writerow([step, losses[0], padded[step][0], *losses[1:], *peer[step]])
    apart = [abs(a[0] / b[0] - 1) for a, b in zip(padded.values(), peer.values(), strict=True)]
    one, other = (smoothed([losses[0] for losses in curve.values()]) for curve in (padded, peer))
    smooth = [abs(a / b - 1) for a, b in zip(one, other, strict=True)]
    print(f"apart, single windows: {statistics.mean(apart):.2%} in the mean, {max(apart):.2%} at most")
    print(
        f"apart, smoothed over {SMOOTH} windows: {statistics.mean(smooth):.2%} in the mean, {max(smooth):.2%} at most"
    )


def smoothed(values: Sequence[float]) -> list[float]:
    """Means over `SMOOTH` neighbours."""
    half = SMOOTH // 2
    return [statistics.mean(values[max(0, k - half) : k + half + 1]) for k in range(len(values))]


if __name__ == "__main__":
    main()
