"""Raw text to words: documents, sentences, and the words of jieba."""

import functools
import json
import logging
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import rjieba

from ernie_core.errors import BadInput, Stopped
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.text import normalise, read, sentences, wordcut

PART_SIZE = 256 << 20
LONG = 512
"""Tokens; a longer sentence cannot stand in a training sample, and pretraining leaves out its document."""

_SLICE = 1 << 16
"""Code points that are cut at once: jieba's memory grows by hundreds of bytes with each."""

_DOUBTFUL = re.compile(
    "[A-Za-z0-9][-+#&._%]+[A-Za-z0-9]|[\u3400-\u4dbf\u9fd6-\u9fff\uf900-\ufaff\U00020000-\U0010ffff]"
)
"""Where rjieba is known to cut otherwise than jieba: inside `1.5kg`, `check-in`, `a_b`, and next to rare ideographs."""


def files(
    text: Path,
    words: Path,
    *,
    tool: str = "jieba",
    max_rejected: float = 0.001,
    part_size: int = PART_SIZE,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Cut the text files of a folder into word-cut parts and `stats.json`; the figures are returned too."""
    if tool != "jieba":
        raise BadInput(f"`{tool}` is not a word segmenter, choose: jieba")
    total = sum(p.stat().st_size for p in read.text_files(text))
    tally, count = read.Tally(), Counter[str]()
    writer = wordcut.Writer(words, part_size)
    for document in read.documents(text, tally):
        if stop():
            raise Stopped(f"stopped after {tally.documents} documents")
        found = sentences.split(document)
        cut_document = [cut(sentence) for sentence in found]
        writer.write(cut_document)
        count["sentences"] += len(found)
        count["words"] += sum(map(len, cut_document))
        count["long_sentences"] += sum(map(is_long, found))
        count["single_sentence_documents"] += len(found) == 1
        progress(tally.bytes, total, "B", documents=tally.documents)
    writer.close()
    tally.check(max_rejected)
    return _report(words, tool, tally, count)


def cut(sentence: str) -> list[str]:
    """The words of a sentence: those of jieba 0.42.1 in its accurate mode with new words (HMM).

    rjieba is the same twenty times as fast, apart from the places of `_DOUBTFUL`, which jieba itself cuts, and from
    rare ties of two equally likely ways to cut. A sentence longer than `_SLICE` has a cut at each multiple of it too.
    """
    if len(sentence) > _SLICE:
        return [word for n in range(0, len(sentence), _SLICE) for word in cut(sentence[n : n + _SLICE])]
    return _jieba()(sentence) if _DOUBTFUL.search(sentence) else rjieba.cut(sentence)


def is_long(sentence: str) -> bool:
    """Whether a sentence is likely to have more than `LONG` tokens, if no character is unknown."""
    return len(sentence) > LONG and sum(len(normalise.parts(p)) for p in normalise.pieces(sentence)) > LONG


@functools.cache
def _jieba() -> Callable[[str], list[str]]:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    # jieba keeps its dictionary in a file that every user of the machine shares; ours is read afresh.
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.tmp_dir = folder
        tokenizer.initialize()
    lcut: Callable[[str], list[str]] = tokenizer.lcut
    return lcut


def _report(words: Path, tool: str, tally: read.Tally, count: Mapping[str, int]) -> dict[str, float]:
    figures = {k: v for k, v in asdict(tally).items() if k != "examples"} | dict(count)
    if not count["sentences"]:
        raise BadInput(f"no document in the text ({_said(figures)}): a document is one or more lines of text")
    stats = {**figures, "damaged_examples": tally.examples, "tool": tool}
    (words / "stats.json").write_text(json.dumps(stats, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return {k: float(v) for k, v in figures.items()}


def _said(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{k} {v}" for k, v in figures.items())
