"""Raw text to words: documents, sentences, and the words of a segmenter."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from ernie_core.errors import BadInput, Stopped
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.text import custom, cutter, formats, lac, read, wordcut
from ernie_core.text.rejects import Rejects

PART_SIZE = 256 << 20
_SAID = 1 << 16
"""Bytes between two reports of progress: they would cost as much as cutting a short document."""

Engine = Callable[[Iterable[str]], Iterator[wordcut.Cut]]
"""Cuts documents, one after the other, in their order."""


def files(
    text: Path,
    words: Path,
    *,
    tool: str = "jieba",
    custom_words: Path | None = None,
    json_key: str = "text",
    max_rejected: float = 0.001,
    part_size: int = PART_SIZE,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Cut the text files of a folder into word-cut parts, `rejected.jsonl` and `stats.json`; returns the figures.

    `custom_words` is a folder with lists of words to know beside the segmenter's own, see `custom` and `lac.custom`.
    """
    engine, known = _engine(tool, custom_words)
    total = sum(source.path.stat().st_size for source in formats.find(text))
    tally, count, said = read.Tally(), Counter[str](), -_SAID
    writer = wordcut.Writer(words, part_size)
    with Rejects(words) as rejects:
        for document in engine(read.documents(text, tally, rejects, json_key=json_key)):
            writer.add(document)
            count["sentences"] += document.sentences
            count["words"] += document.words
            count["long_sentences"] += document.long_sentences
            count["single_sentence_documents"] += document.sentences == 1
            if tally.done >= said + _SAID:
                said = tally.done
                progress(said, total, "B", documents=tally.documents)
                if stop():
                    raise Stopped(f"stopped after {tally.documents} documents")
    writer.close()
    tally.check(max_rejected)
    count["custom_words"] = known
    return _report(words, tool, tally, count)


def cut(sentence: str) -> list[str]:
    """The words of a sentence: those of jieba 0.42.1 in its accurate mode with new words (HMM)."""
    return cutter.load().cut(sentence)


def _engine(tool: str, custom_words: Path | None) -> tuple[Engine, int]:
    """The segmenter, and how many words it was told to know."""
    if tool in lac.TOOLS:
        model = lac.tagger.load(lac.TOOLS[tool], custom_words)
        return lambda documents: lac.documents.cut(model, documents), len(model.own.phrases) if model.own else 0
    if tool != "jieba":
        raise BadInput(f"`{tool}` is not a word segmenter, choose: jieba, {', '.join(lac.TOOLS)}")
    known = custom.read(custom_words) if custom_words else ()
    document = cutter.load(known).document
    return lambda documents: map(document, documents), len(known)


def _report(words: Path, tool: str, tally: read.Tally, count: Mapping[str, int]) -> dict[str, float]:
    figures = {k: v for k, v in asdict(tally).items() if k not in ("examples", "done")} | dict(count)
    if not tally.documents:
        raise BadInput(f"no document in the text ({_said(figures)}): a document is one or more lines of text")
    stats = {**figures, "damaged_examples": tally.examples, "tool": tool}
    (words / "stats.json").write_text(json.dumps(stats, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return {k: float(v) for k, v in figures.items()}


def _said(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{k} {v}" for k, v in figures.items())
