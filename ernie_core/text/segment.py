"""Word segmentation of raw text: documents, sentences, and words."""

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ernie_core.errors import BadInput, Stopped
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.store.files import StoredFile, below
from ernie_core.text import lac, wordcut
from ernie_core.text import pieces as cutting
from ernie_core.text.corpus import formats, read, rejects
from ernie_core.text.corpus.rejects import Rejects
from ernie_core.text.jieba import custom, segmenter
from ernie_core.text.pieces import Piece

PART_SIZE = 256 << 20
LEAST, MOST = cutting.LEAST, cutting.MOST
_HOPELESS = 1000
"""Number of lines and objects after which a piece without a single readable one fails at once."""
_SAID = 1 << 16
"""Bytes between two reports of progress: one costs as much as segmenting a short document."""
_STATS = "stats.json"

Engine = Callable[[Iterable[str]], Iterator[wordcut.Cut]]
"""Segments documents, in order."""


def pieces(text: Sequence[StoredFile]) -> list[Piece]:
    """The pieces of work on these files. BadInput if none is text."""
    formats.find(text)
    return cutting.cut(text, divisible=_is_divisible, wanted=_is_text, least=LEAST, most=MOST)


def piece(
    text: Sequence[StoredFile],
    piece: Piece,
    number: int,
    words: Path,
    *,
    tool: str = "jieba",
    custom_words: Path | None = None,
    json_key: str = "text",
    max_rejected: float = 0.001,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Segment one piece into word-cut parts, and write what `join` needs; returns the figures.

    `custom_words` is a folder with lists of words besides the segmenter's own, see `custom` and `lac.custom`. BadInput
    if more is rejected than `max_rejected` of the whole text, or if nothing can be read.
    """
    engine, known = _engine(tool, custom_words)
    counts, count, said = read.ReadCounts(), Counter[str](), -_SAID
    writer = wordcut.WordsWriter(words, PART_SIZE, number)
    with Rejects(words) as rejected:
        for document in engine(read.documents(text, piece, counts, rejected, json_key=json_key)):
            writer.add(document)
            _add(count, document)
            if counts.done >= said + _SAID:
                said = counts.done
                progress(said, cutting.size(piece), "B", documents=counts.documents)
                if stop():
                    raise Stopped(f"stopped after {counts.documents} documents")
    writer.close()
    _check(text, piece, counts, rejected.first, max_rejected)
    skipped = len(text) - len(formats.find(text)) if number == 0 else 0
    figures = {**counts.figures(), "skipped_files": skipped, **count}
    ended = {"file": text[piece[-1].file].name, "lines": counts.line}
    _write(words, {"figures": figures, "custom_words": known, "ended": ended})
    return {k: float(v) for k, v in figures.items()}


def join(made: Sequence[Path], words: Path, *, max_rejected: float = 0.001, tool: str = "jieba") -> dict[str, float]:
    """Write `rejected.jsonl` and `stats.json` of all pieces beside their parts; returns the figures."""
    found, file, lines = Counter[str](), "", 0
    with Rejects(words) as rejected:
        for folder in made:
            stats = json.loads((folder / _STATS).read_text(encoding="utf-8"))
            found.update(stats["figures"])
            with (folder / rejects.NAME).open("rb") as rows:
                for row in rows:
                    rejected.copy(rejects.moved(json.loads(row), file, lines))
            # A piece counts lines from where it begins in its first file, which may be in the middle of it.
            ended = stats["ended"]
            file, lines = ended["file"], ended["lines"] + (lines if ended["file"] == file else 0)
    rejects.check(found, rejected.first, max_rejected)
    if not found["documents"]:
        summary = ", ".join(f"{k} {v}" for k, v in found.items())
        raise BadInput(f"no document in the text ({summary}): a document is one or more lines of text")
    figures = {**found, "custom_words": stats["custom_words"]}
    _write(words, {**figures, "rejected_examples": list(map(rejects.spell, rejected.first)), "tool": tool})
    return {k: float(v) for k, v in figures.items()}


def files(
    text: Path,
    words: Path,
    *,
    tool: str = "jieba",
    custom_words: Path | None = None,
    json_key: str = "text",
    max_rejected: float = 0.001,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Segment the text files of a folder: word-cut parts, `rejected.jsonl`, `stats.json`; returns the figures."""
    found = below(text)
    todo = pieces(found)

    def make(one: Piece, number: int, folder: Path) -> None:
        piece(
            found, one, number, folder, tool=tool, custom_words=custom_words, json_key=json_key,
            max_rejected=max_rejected, progress=cutting.onwards(progress, todo, number), stop=stop,
        )  # fmt: skip

    with cutting.made_here(todo, words, make) as made:
        return join(made, words, max_rejected=max_rejected, tool=tool)


def cut(sentence: str) -> list[str]:
    """The words of a sentence: those of jieba 0.42.1 in its accurate mode with new words (HMM)."""
    return segmenter.load().cut(sentence)


def _engine(tool: str, custom_words: Path | None) -> tuple[Engine, int]:
    """The segmenter, and the number of its custom words."""
    if tool in lac.TOOLS:
        model = _lac(tool, custom_words, _digest(custom_words) if custom_words else "")
        return lambda documents: lac.documents.cut(model, documents), len(model.own.phrases) if model.own else 0
    if tool != "jieba":
        raise BadInput(f"`{tool}` is not a word segmenter, choose: jieba, {', '.join(lac.TOOLS)}")
    known = custom.read(custom_words) if custom_words else ()
    document = segmenter.load(known).document
    return lambda documents: map(document, documents), len(known)


@functools.lru_cache(maxsize=1)
def _lac(tool: str, custom_words: Path | None, digest: str) -> lac.tagger.Tagger:
    """Cached from piece to piece: loading it takes as long as segmenting a megabyte."""
    return lac.tagger.load(lac.TOOLS[tool], custom_words)


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for file in below(folder):
        found.update(f"{file.name}\0{file.size}\0".encode() + (folder / file.name).read_bytes())
    return found.hexdigest()


def _is_text(file: StoredFile) -> bool:
    return formats.recognise(file) is not None


def _is_divisible(file: StoredFile) -> bool:
    source = formats.recognise(file)
    return source is not None and source.divisible


def _add(count: Counter[str], document: wordcut.Cut) -> None:
    count["sentences"] += document.sentences
    count["words"] += document.words
    count["long_sentences"] += document.long_sentences
    count["single_sentence_documents"] += document.sentences == 1


def _check(
    text: Sequence[StoredFile], piece: Piece, counts: read.ReadCounts, first: Sequence[rejects.Row], max_rejected: float
) -> None:
    bad, held = counts.damaged_lines + counts.rejected, counts.lines + counts.objects
    if not bad:
        return
    if piece[0].begin:
        name, before = text[piece[0].file].name, read.lines_before(text, piece[0])
        first = [rejects.moved(row, name, before) for row in first]
    if bad >= _HOPELESS and bad + counts.blank_lines >= held and max_rejected < 1:
        raise BadInput(
            f"not one of {held} lines and objects can be read (first: {', '.join(map(rejects.spell, first))}): "
            f"convert the files to UTF-8, or correct json_key; or accept them as they are with max_rejected 1"
        )
    rejects.check(counts.figures(), first, max_rejected, held + _elsewhere(text, piece))


def _elsewhere(text: Sequence[StoredFile], piece: Piece) -> int:
    """Most lines and objects in the other pieces: each has at least a byte, unless it is compressed."""
    sources = formats.find(text)
    left = sum(source.file.size for source in sources) - cutting.size(piece)
    return 1 << 62 if left and any(source.packing for source in sources) else left


def _write(words: Path, stats: Mapping[str, object]) -> None:
    (words / _STATS).write_text(json.dumps(stats, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
