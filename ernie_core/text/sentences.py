"""Sentence splitting by the rules of PaddleNLP's word segmentation script."""

import re

_RUNS = tuple((re.compile(f"{re.escape(mark)}+ *"), mark) for mark in "\n。?？ ;；！!")
_ENDS = re.compile("([。?？;；!！])")


def split(document: str) -> list[str]:
    """The sentences of a document: they end at line ends, and after each of `。 ? ？ ; ； ! ！`.

    Runs of one mark, and of spaces, count once, and spaces after a mark are dropped. A full stop `.` ends nothing.
    """
    for run, mark in _RUNS:
        document = run.sub(mark, document)
    return [sentence for sentence in _ENDS.sub(r"\1\n", document).split("\n") if sentence]
