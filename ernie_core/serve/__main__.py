"""`python -m ernie_core.serve FOLDER [TEXT ...]`: ask an exported model or a package from the command line."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO, get_args

from ernie_core.errors import BadInput, Error
from ernie_core.serve import engines
from ernie_core.serve.predictor import Prediction, Predictor

Text = str | tuple[str, str]


def main(argv: list[str] | None = None) -> int:
    """Predict every text, or every line of stdin; results are all that reaches stdout."""
    given = _parser().parse_intermixed_args(argv)
    results = _own_stdout()
    try:
        size = given.batch_size
        predictor = Predictor.open(given.folder, engine=given.engine, threads=given.threads, batch_size=size)
        lines = given.text or (line.rstrip("\r\n") for line in sys.stdin)
        texts = (_text(line, predictor.serving.text_pair) for line in lines)
        for number, batch in enumerate(_cut(texts, size)):
            for place, (text, found) in enumerate(zip(batch, predictor.predict(batch), strict=True)):
                print(_json(text, found) if given.json else _line(number, place, text, found), file=results)
            results.flush()
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ernie_core.serve", description="predict labels of texts")
    parser.add_argument("folder", type=Path, help="an exported model or a package")
    parser.add_argument("text", nargs="*", help="texts (a pair: with a tab between); without any: lines of stdin")
    parser.add_argument("--engine", choices=get_args(engines.Choice), default="auto", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the engine (%(default)s)")
    parser.add_argument("--batch_size", type=int, default=1, help="texts computed at once (%(default)s)")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    return parser


def _own_stdout() -> TextIO:
    """Stdout for results alone: native libraries write to descriptor 1, which becomes stderr."""
    sys.stdout.flush()
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return results


def _text(line: str, pair: bool) -> Text:
    if not pair:
        return line
    first, tab, second = line.partition("\t")
    if not tab:
        raise BadInput(f"`{line}`: this model was trained on pairs, write the two texts with a tab between")
    return first, second


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
