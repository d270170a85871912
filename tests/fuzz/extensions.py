"""Builds the compiled extensions of the text room with the sanitizers and lets them meet bad input from Python.

`PYTHONPATH=.:tests/support python tests/fuzz/extensions.py [--seconds 150] [--lines 100000]`, with gcc and on Linux:
what Cython writes needs an interpreter around it. For so many seconds each extension meets generated lines and
mutations of them. Every allocation of the interpreter is one that the address sanitizer sees, so that a read behind the
bytes or the str that was handed over is caught. Exit code 0: nothing was found.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import generated

from ernie_core.errors import Error
from ernie_core.text.ids import kernel
from ernie_core.text.jieba import segmenter
from ernie_core.text.lac import tagger
from ernie_core.text.vocab import counters

ROOT = Path(__file__).resolve().parents[2]
FLAGS = "-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
NAMES = ("ids/_ids", "jieba/_jieba", "vocab/_census", "lac/_lac")
SPICE = b'"\\u{}[]:,nd8c0 \n\0\xe7\xed\xf0\xff\x80'


def main() -> int:
    """Build them, and run this file again in an interpreter with the sanitizers; or, in that, do the work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--built", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.built:
        return _meet(asked)
    with tempfile.TemporaryDirectory() as folder:
        places = ("-b", f"{folder}/lib", "-t", f"{folder}/temp")
        build = [sys.executable, "setup.py", "-q", "build_ext", "--force", *places]
        subprocess.run(build, check=True, cwd=ROOT, env={**os.environ, "CFLAGS": FLAGS, "LDFLAGS": FLAGS})
        find = ["gcc", "-print-file-name=libasan.so"]
        library = subprocess.run(find, check=True, capture_output=True, text=True).stdout.strip()
        environment = {
            **os.environ, "LD_PRELOAD": library, "PYTHONMALLOC": "malloc", "ASAN_OPTIONS": "detect_leaks=0",
        }  # fmt: skip
        again = [sys.executable, __file__, *sys.argv[1:], "--built", f"{folder}/lib"]
        return subprocess.run(again, env=environment).returncode


def _meet(asked: argparse.Namespace) -> int:
    for name in NAMES:
        full = f"ernie_core.text.{name.replace('/', '.')}"
        sys.modules[full] = _load(full, asked.built / "ernie_core" / "text" / f"{name}.abi3.so")
    lines = list(generated.lines(2027, asked.lines))
    for name, action in _actions():
        dice, end, done = random.Random(name), time.monotonic() + asked.seconds, 0
        for text in _texts(dice, lines):
            done += 1
            action(text, dice)
            if time.monotonic() > end:
                break
        print(f"{name}: {done} documents: nothing found", flush=True)
    return 0


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _texts(dice: random.Random, lines: list[str]) -> Iterator[str]:
    """Every line once, then documents of several of them, without end."""
    yield from lines
    while True:
        yield dice.choice("\n 。").join(dice.choices(lines, k=dice.randint(1, 40)))


def _actions() -> Iterator[tuple[str, Callable[[str, random.Random], object]]]:
    words = segmenter.load()

    def jieba(text: str, dice: random.Random) -> None:
        text = text.encode(errors="ignore").decode()
        cut = words.document(text)
        assert json.loads(cut.line)["text"].count("\n") == cut.sentences
        assert "".join(words.cut(text)) == text

    both = counters.make(True), counters.make(False)

    def census(text: str, dice: random.Random) -> None:
        counter, block = dice.choice(both), _broken(_block(text), dice)
        with contextlib.suppress(Error):
            counter.add(block, 0, dice.randint(1, 9), str)
        counter.runs()

    encoders = [kernel.make(generated.tokenizer(), marking) for marking in kernel.MARKINGS]

    def ids(text: str, dice: random.Random) -> None:
        encoder = dice.choice(encoders)
        assert isinstance(encoder, kernel.Fast)
        encoder.encode_utf8(_broken(text.encode(errors="surrogatepass"), dice))
        with contextlib.suppress(Error):
            encoder.encode(_broken(_block(text), dice))

    yield from (("jieba", jieba), ("census", census), ("ids", ids))
    for path in tagger.paths():
        for model in ("seg_model", "lac_model"):
            yield f"{model}, {path}", _lac(tagger.load(model, path=path))  # type: ignore[arg-type]


def _lac(model: tagger.Tagger) -> Callable[[str, random.Random], object]:
    def cut(text: str, dice: random.Random) -> None:
        texts = text.split(dice.choice("\n "))
        assert model.lines(texts) == [" ".join(found) for found in model.words(texts)]

    return cut


def _block(text: str) -> bytes:
    return json.dumps({"text": text}, ensure_ascii=False).encode(errors="surrogatepass") + b"\n"


def _broken(data: bytes, dice: random.Random) -> bytes:
    """Half of the time as it is."""
    found = bytearray(data)
    for _ in range(dice.choice((0, 0, 0, 1, 2, 8))):
        at = dice.randrange(len(found) + 1)
        found[at : at + dice.randint(0, 3)] = bytes(dice.choices(SPICE, k=dice.randint(0, 3)))
    return bytes(found[: dice.randint(0, len(found))] if dice.random() < 0.2 else found)


if __name__ == "__main__":
    sys.exit(main())
