"""`python -m ernie_core.serve FOLDER [TEXT ...]`: ask an exported model or a package from the command line.

What stands behind `--` is folder and texts, whatever it begins with.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO, get_args

from ernie_core.errors import Error
from ernie_core.serve import asked, engines
from ernie_core.serve.asked import Text
from ernie_core.serve.predictor import Prediction, Predictor

STDIN = "standard input"


def main(argv: list[str] | None = None) -> int:
    """Predict every text, or every line of stdin; results are all that reaches stdout."""
    given = _arguments(sys.argv[1:] if argv is None else argv)
    results = _own_stdout()
    try:
        size = given.batch_size
        predictor = Predictor.open(given.folder, engine=given.engine, threads=given.threads, batch_size=size)
        texts = (asked.text(where, line, predictor.serving.text_pair) for where, line in _lines(given.text))
        number = -1
        for number, batch in enumerate(_cut(texts, size)):
            for place, (text, found) in enumerate(zip(batch, predictor.predict(batch), strict=True)):
                print(_json(text, found) if given.json else _line(number, place, text, found), file=results)
            results.flush()
        if number < 0:
            print(f"no line on {STDIN}, nothing to answer", file=sys.stderr)
    except BrokenPipeError:
        # Whoever read the answers has gone, `| head` for example: nothing to say, and nothing left to flush at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), results.fileno())
        return 1
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    """The arguments; argparse takes no text that begins with a dash once options and texts are mixed."""
    at = argv.index("--") if "--" in argv else len(argv)
    parser = _parser()
    given = parser.parse_intermixed_args(argv[:at])
    words = [*given.words, *argv[at + 1 :]]
    if not words:
        parser.error("which folder?")
    given.folder, given.text = Path(words[0]), words[1:]
    return given


def _lines(texts: list[str]) -> Iterator[tuple[str, str]]:
    """The texts of the command line with their places, or else the lines of standard input."""
    if texts:
        yield from ((f"text {n}", asked.word(text, n)) for n, text in enumerate(texts, 1))
    elif sys.stdin is not None and isinstance(sys.stdin.buffer, io.BufferedReader):  # it may be closed
        yield from ((f"{STDIN}:{n}", line) for n, line in asked.lines_of(sys.stdin.buffer, STDIN))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ernie_core.serve", description="predict labels of texts")
    parser.add_argument("words", nargs="*", metavar="FOLDER [TEXT ...]", help="an exported model or a package, and "
                        "texts (a pair: with a tab between); without any: lines of stdin")  # fmt: skip
    parser.add_argument("--engine", choices=get_args(engines.Choice), default="auto", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the engine (%(default)s)")
    parser.add_argument("--batch_size", type=int, default=1, help="texts computed at once (%(default)s)")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    return parser


def _own_stdout() -> TextIO:
    """Stdout for results alone: native libraries write to descriptor 1, which becomes stderr."""
    if sys.stdout is None:  # closed by whoever started this
        return open(os.devnull, "w", encoding="utf-8")
    sys.stdout.flush()
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return results


def _cut(texts: Iterable[Text], size: int) -> Iterator[list[Text]]:
    source = iter(texts)
    while batch := list(islice(source, size)):
        yield batch


def _line(batch: int, place: int, text: Text, found: Prediction) -> str:
    said = f"sentence: {text}" if isinstance(text, str) else f"sentence1: {text[0]}, sentence2: {text[1]}"
    probable = ", ".join(f"{label} prob: {score:.4f}" for label, score in found.scores.items())
    return f"Batch id: {batch}, example id: {place}, {said}, label: {found.label}, {probable}."


def _json(text: Text, found: Prediction) -> str:
    said = {"text": text} if isinstance(text, str) else {"text": text[0], "text_pair": text[1]}
    return json.dumps({**said, "label": found.label, "scores": found.scores}, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
