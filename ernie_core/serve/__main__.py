"""`python -m ernie_core.serve FOLDER [TEXT ...]`: predict with an exported model or a package on the command line.

Arguments after `--` are folder and texts, even if they begin with a dash.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO, get_args

from ernie_core.errors import Error
from ernie_core.serve import asked, engines
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks.task import Prediction, Task

STDIN = "standard input"


def main(argv: list[str] | None = None) -> int:
    """Predict every text, or every line of stdin; only results go to stdout."""
    given = _arguments(sys.argv[1:] if argv is None else argv)
    results = _own_stdout()
    try:
        size = given.batch_size
        predictor = Predictor.open(given.folder, engine=given.engine, threads=given.threads, batch_size=size)
        task = predictor.task
        questions = ((where, task.question(where, line)) for where, line in _lines(given.text))
        number = -1
        for number, part in enumerate(asked.parts(task, questions, size)):
            batch = [question for _, question in part]
            for place, (question, found) in enumerate(zip(batch, predictor.predict(batch), strict=True)):
                line = f"Batch id: {number}, example id: {place}, {task.shown(question)}, {found.text()}."
                print(_json(task, question, found) if given.json else line, file=results)
            results.flush()
        if number < 0:
            print(f"no line on {STDIN}, nothing to answer", file=sys.stderr)
    except BrokenPipeError:
        # The reader of the answers has ended, `| head` for example: no message, and nothing left to flush.
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
        parser.error("the folder of a model is missing")
    given.folder, given.text = Path(words[0]), words[1:]
    return given


def _lines(texts: list[str]) -> Iterator[tuple[str, str]]:
    """The texts of the command line, or else the lines of standard input, with their places."""
    if texts:
        yield from ((f"text {n}", asked.word(text, n)) for n, text in enumerate(texts, 1))
    elif sys.stdin is not None and isinstance(sys.stdin.buffer, io.BufferedReader):  # it may be closed
        yield from ((f"{STDIN}:{n}", line) for n, line in asked.lines_of(sys.stdin.buffer, STDIN))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ernie_core.serve", description="predict with an exported model")
    parser.add_argument("words", nargs="*", metavar="FOLDER [TEXT ...]", help="an exported model or a package, and "
                        "texts (a pair: with a tab between); without any: lines of stdin")  # fmt: skip
    parser.add_argument("--engine", choices=get_args(engines.Choice), default="auto", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the engine (%(default)s)")
    parser.add_argument("--batch_size", type=int, default=1, help="texts computed at once (%(default)s)")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    return parser


def _own_stdout() -> TextIO:
    """Reserve stdout for results: native libraries write to descriptor 1, which becomes stderr."""
    if sys.stdout is None:  # closed by the parent process
        return open(os.devnull, "w", encoding="utf-8")
    sys.stdout.flush()
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return results


def _json(task: Task[Any, Any], question: Any, found: Prediction) -> str:
    return json.dumps({**task.asked(question), **asdict(found)}, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
