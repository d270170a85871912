"""Builds native code with the address and undefined-behaviour sanitizers and lets it meet bad input.

`PYTHONPATH=.:tests/support python tests/fuzz/run.py [ids json lac] [--seconds 600] [--lines 100000] [--huge]`

First the generated lines of the tests, as text and as JSON, broken JSON and broken UTF-8 among them; then, with a clang
that has libFuzzer, a search for input of its own from them. Without clang, gcc runs the lines alone, and mutations of
them. `--huge` adds documents of a little over 2 GiB for the ids. Exit code 0: nothing was found. The code that Cython
writes is for extensions.py.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import generated

from ernie_core.text import unicode_table
from ernie_core.text.ids import kernel, marks, set_marks

HERE = Path(__file__).resolve().parent
TEXT = HERE.parents[1] / "ernie_core" / "text"
TARGETS = {"ids": "ids_target.c", "json": "json_target.c", "lac": "lac_target.cpp"}
LONGEST = {"lac": 160}
"""Bytes of input where a long one takes long."""
FLAGS = ("-g", "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all", f"-I{TEXT}/ids", f"-I{TEXT}/lac")
BROKEN = (
    b'{"text": "\\', b'{"text": "\\u', b'{"text": "\\ud83d\\u', b'{"text": "\\ud83d\\ude0', b'{"text": "\xe7\xa0',
    b'{"text": "a\0b"}\n', b"\0\0\0\0", b'{"a": [[[{"b": -', b'{"text": "\xf0\x9f"}\n', b'{"text": "\\ud800"}\n{',
    b'{"text": "\xed\xa0\x80\\udfff \xc0\x80\xff"}\n', b"{" * 3000, b'{"a":' + b"[" * 9000, b'{"text": "x"}\n' * 3,
)  # fmt: skip


def main() -> int:
    """Everything, in a folder that disappears."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "fuzz_tables.h").write_text("\n".join(_tables()))
        corpus = home / "corpus"
        corpus.mkdir()
        for number, data in enumerate(_inputs(asked.lines)):
            (corpus / f"{number:06d}").write_bytes(data)
        for name in asked.targets or TARGETS:
            _search(name, home, corpus, asked)
    return 0


def _search(name: str, home: Path, corpus: Path, asked: argparse.Namespace) -> None:
    gcc = _build(home / name, "gcc", name, "address,undefined", "-DWITH_MAIN")
    portable = _build(home / f"{name}-portable", "gcc", name, "address,undefined", "-DWITH_MAIN", "-DWITHOUT_SIMD")
    for program in (gcc, portable):
        _all(program, sorted(corpus.iterdir()))
    print(f"{name}: {asked.lines} generated lines as text and JSON, fast and portable: nothing found", flush=True)
    if asked.huge and name == "ids":
        _all(gcc, [_huge(home / "huge", mode, text) for mode, text in ((4, True), (5, True), (0, False))])
        print(f"{name}: documents of 2 GiB: nothing found", flush=True)
    clang = _clang()
    if clang:
        fuzzer = _build(home / f"{name}-fuzzer", clang, name, "address,undefined,fuzzer")
        found = home / f"{name}-corpus"
        found.mkdir()
        limits = (
            f"-max_total_time={asked.seconds}",
            f"-max_len={LONGEST.get(name, 4096)}",
            "-timeout=20",
            "-print_final_stats=1",
        )
        subprocess.run([fuzzer, *limits, found, corpus], check=True, cwd=home)
    else:
        print("no clang with libFuzzer here: mutations of the lines instead", flush=True)
        _mutate(gcc, sorted(corpus.iterdir()), home / f"{name}-mutations", asked.seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="all if none is named")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--huge", action="store_true")
    return parser.parse_args()


def _tables() -> Iterator[str]:
    """The arrays of kernel.py as C."""
    tokenizer = generated.tokenizer()
    extension, tables = marks.extension(tokenizer.vocab), unicode_table.load()
    tokens = [token.encode() + b"\n" for token in tokenizer.vocab]
    starts = [sum(map(len, tokens[:n])) for n in range(len(tokens) + 1)]
    yield f"#define FUZZ_TOKENS {len(tokens)}\n#define FUZZ_IDS {len(tokens) + len(extension)}"
    yield _array("uint8_t", "tokens", b"".join(tokens))
    yield _array("int64_t", "starts", starts)
    yield _array("uint8_t", "kinds", tables.kinds)
    yield _array("uint32_t", "replaced", memoryview(tables.replaced).cast("I"))
    yield _array("int32_t", "marked", kernel.marked(tokenizer, extension))
    yield _array("int32_t", "joined", set_marks.joined(tokenizer, extension))
    yield _array("uint8_t", "has_han", map(set_marks.has_han, tokenizer.vocab))


def _array(kind: str, name: str, values: Iterable[int]) -> str:
    return f"static const {kind} fuzz_{name}[] = {{{','.join(str(int(value)) for value in values)}}};"


def _inputs(count: int) -> Iterator[bytes]:
    """Generated documents as text and as JSON, after a byte that chooses the settings; and broken lines."""
    lines = list(generated.lines(2026, count))
    for n in range(0, count, 20):
        text = "\n".join(lines[n : n + 20])
        plain, escaped = (json.dumps({"x": [n], "text": text}, ensure_ascii=ascii_only) for ascii_only in (False, True))
        yield bytes([4 | n // 20 % 4]) + text.encode("utf-8", "surrogatepass")
        yield bytes([n // 20 % 4]) + f"{plain}\n{escaped}\n".encode("utf-8", "surrogatepass")
    yield from (bytes([mode]) + line for line in BROKEN for mode in range(8))


def _huge(path: Path, mode: int, text: bool) -> Path:
    """One document of one sentence, a little over 2 GiB."""
    block = "研究 abc１２ ，".encode() * (1 << 16)
    with path.with_suffix(f".{mode}").open("wb") as file:
        file.write(bytes([mode]) + (b"" if text else b'{"text": "'))
        for _ in range((1 << 31) // len(block) + 2):
            file.write(block if text else block + b"\\n")
        file.write(b"" if text else b'"}\n')
    return Path(file.name)


def _build(program: Path, compiler: str, name: str, sanitizers: str, *flags: str) -> Path:
    source = TARGETS[name]
    if source.endswith("cpp"):
        compiler = compiler.replace("gcc", "g++").replace("clang", "clang++")
        flags = (*flags, "-std=c++17", "-Wno-psabi")
    places = (f"-I{program.parent}", HERE / source, "-o", program)
    subprocess.run([compiler, *FLAGS, f"-fsanitize={sanitizers}", *flags, *places], check=True)
    return program


def _clang() -> str | None:
    names = ("clang", *(f"clang-{version}" for version in range(21, 11, -1)))
    return next((name for name in names if shutil.which(name)), None)


def _all(program: Path, files: list[Path]) -> None:
    for n in range(0, len(files), 1000):
        subprocess.run([program, *files[n : n + 1000]], check=True)


def _mutate(program: Path, files: list[Path], folder: Path, seconds: int) -> None:
    folder.mkdir()
    dice, end, done = random.Random(1), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        batch = [folder / str(n) for n in range(500)]
        for path in batch:
            data = bytearray(dice.choice(files).read_bytes())
            for _ in range(dice.randint(1, 8)):
                at = dice.randrange(len(data))
                data[at : at + dice.randint(0, 3)] = bytes(
                    dice.choices(b'"\\u{}[]:,nd8c0 \n\0\xe7\xed\xf0\xff\x80', k=dice.randint(0, 3))
                )
            path.write_bytes(data + b" ")
        _all(program, batch)
        done += len(batch)
    print(f"{done} mutations: nothing found")


if __name__ == "__main__":
    sys.exit(main())
