"""Index maps compared with PaddleNLP's native builder, and the time of a start with ten million documents.

Run with `python benchmarks/index.py [--documents 10000000] [--rounds 7]` in an environment that holds `tool_helpers`
if it is to be measured too. Lengths are drawn like those of web text: 5.75 sentences a document, 37 tokens a
sentence. Builders take turns in one process; speeds are documents per CPU second, medians. A start is a process of its
own that opens corpus and map and draws one batch. Prints tables for benchmarks/README.md.
"""

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

import numpy as np  # noqa: E402

from ernie_core.data import ids, index, mixing, order, vocabulary  # noqa: E402
from ernie_core.data.cache import Cache  # noqa: E402
from ernie_core.data.mixing import Mixing  # noqa: E402
from ernie_core.data.samples import Masking  # noqa: E402

MAX_LEN, SHORT, SEED = 509, 0.1, 1234


def main() -> None:
    """Builders, starts, mixing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--start", nargs=2, metavar=("IDS", "CACHE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.start:
        print(json.dumps(_start(*asked.start)))
        return
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        docs, lens = corpus(home / "ids", asked.documents)
        print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}")
        print(f"{len(docs) - 1} documents, {len(lens)} sentences, {lens.sum(dtype='int64')} tokens\n")
        builders(docs, lens, home, asked.rounds)
        del docs, lens
        _starts(home)
    _mixing()


def corpus(folder: Path, documents: int) -> tuple[np.ndarray, np.ndarray]:
    """One part whose ids are a sparse file: all of them 0."""
    folder.mkdir()
    random = np.random.default_rng(1)
    docs = np.concatenate([[0], np.cumsum(random.poisson(4.75, documents) + 1)]).astype("int64")
    lens = np.clip(random.gamma(2.2, 37.7 / 2.2, int(docs[-1])), 1, 500).astype("int32")
    tokens = int(lens.sum(dtype="int64"))
    with (folder / "part-00000_ids.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<u2", "fortran_order": False, "shape": (tokens,)})
        file.truncate(file.tell() + 2 * tokens)
    np.savez(folder / "part-00000_idx.npz", lens=lens, docs=docs)
    # PaddleNLP fills token types with the id of [PAD], and cannot show a sample that happens to hold it
    words = ["a", "[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", *(chr(0x4E00 + k) for k in range(20_000))]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return docs, lens


def builders(docs: np.ndarray, lens: np.ndarray, home: Path, rounds: int) -> dict[str, float]:
    """Print a row for each: medians in millions of documents per CPU second."""
    setting = index.Setting(MAX_LEN, SHORT, SEED, 2, num_epochs=1)
    made: dict[str, np.ndarray] = {}

    def save() -> None:
        (home / "rows.npy").unlink(missing_ok=True)
        index.save(home / "rows.npy", docs, lens, setting)

    ways: dict[str, Callable[[], object]] = {
        "ours, in memory": lambda: made.update(ours=index.build(docs, lens, setting)),
        "ours, to a file (not yet forced to disk)": save,
        "ours, counted only": lambda: index.count(docs, lens, setting),
    }
    try:
        helpers = importlib.import_module("tool_helpers.helpers")
        given = (docs, lens, 1, 2**62, MAX_LEN, SHORT, SEED, False, 2)
        ways["tool_helpers"] = lambda: made.update(peer=helpers.build_mapping(*given))
    except ImportError:
        print("tool_helpers is not here, so there is no peer\n")
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began = time.process_time()
            way()
            if number:
                times[name].append(time.process_time() - began)
    print("| index map | M documents per CPU s, median [min..max] |\n|---|---|")
    medians = {}
    for name, taken in times.items():
        speeds = [(len(docs) - 1) / seconds / 1e6 for seconds in taken]
        medians[name] = statistics.median(speeds)
        print(f"| {name} | {medians[name]:.1f} [{min(speeds):.1f}..{max(speeds):.1f}] |")
    if "peer" in made:
        print(f"\nthe same bytes: {made['ours'].tobytes() == made['peer'].tobytes()}; {len(made['ours'])} samples")
    return medians


def _starts(home: Path) -> None:
    print("\n| start of a process, until the first batch | wall s | CPU s | own memory MiB | touched of files MiB |")
    print("|---|---|---|---|---|")
    ways = (("without a cache", ""), ("with an empty cache", home / "cache"), ("with a warm cache", home / "cache"))
    for name, cache in (*ways, ways[-1]):
        command = [sys.executable, __file__, "--start", str(home / "ids"), str(cache)]
        said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        print(f"| {name} | {said['wall']:.2f} | {said['cpu']:.2f} | {said['own']:.0f} | {said['mapped']:.0f} |")


def _start(folder: str, place: str) -> dict[str, float]:
    """Open everything and draw a batch. Imports do not count, and memory is the increase."""
    cache = Cache(Path(place)) if place else None
    words, before = vocabulary.read(Path(folder)), _memory()
    began, cpu = time.monotonic(), time.process_time()
    corpus = ids.read([Path(folder)], cache)
    data = order.mixture("train", [corpus], [1.0], words, Masking(512), "949,50,1", SHORT, cache=cache)
    corpus.fingerprint()
    data.batch(0, 64)
    wall, cpu, after = time.monotonic() - began, time.process_time() - cpu, _memory()
    return {"wall": wall, "cpu": cpu, "own": after[0] - before[0], "mapped": after[1] - before[1]}


def _memory() -> tuple[float, float]:
    """Private memory of this process, and its resident mapped files, in MiB."""
    with open("/proc/self/status", encoding="ascii") as file:
        held = {line.split(":")[0]: line.split()[1] for line in file if line.startswith("Rss")}
    return int(held["RssAnon"]) / 1024, int(held["RssFile"]) / 1024


def _mixing() -> None:
    print("\n| corpora mixed | M samples per CPU s, counted | placed |\n|---|---|---|")
    for corpora in (2, 3, 8, 24):
        shares, size = mixing.shares([5 + 2.3 * k for k in range(corpora)]), 20_000_000
        began = time.process_time()
        index.skip(shares, np.zeros(corpora, "int64"), 0, size)
        middle = time.process_time()
        mixed = Mixing(shares)
        for first in range(0, size // 4, 65536):
            mixed.places(first, 65536)
        end = time.process_time()
        print(f"| {corpora} | {size / (middle - began) / 1e6:.0f} | {size / 4 / (end - middle) / 1e6:.0f} |")


if __name__ == "__main__":
    main()
