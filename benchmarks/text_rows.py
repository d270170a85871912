"""The rows of `text.py`: the cost of the text steps on two corpora, each with its peers."""

from collections.abc import Callable
from pathlib import Path

import text_peers as peers
from text_corpora import Corpora, blocks, size, some
from ways import Row, Way, decode, launch, work

from ernie_core.progress import never, silent
from ernie_core.store.files import below
from ernie_core.text import lac, sentences
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.ids import build as ids
from ernie_core.text.ids import kernel
from ernie_core.text.jieba import segmenter
from ernie_core.text.lac import documents, tagger, weights
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.vocab import build as vocab
from ernie_core.text.vocab import census

IDS = """
import sys; from pathlib import Path; from ernie_core.text.ids import build
words, made, vocab = map(Path, sys.argv[1:])
build.files(words, vocab, made)
"""
RAW = """
import sys; from pathlib import Path; from ernie_core.text import segment; from ernie_core.text.ids import build
text, made, vocab = map(Path, sys.argv[1:])
for folder in ("words", "ids"):
    (made / folder).mkdir()
segment.files(text, made / "words")
build.files(made / "words", vocab, made / "ids")
"""
FIRST = """
import sys; from pathlib import Path
from ernie_core.text.ids import kernel
from ernie_core.text import tokenizer as tokenizers
kernel.make(tokenizers.open(Path(sys.argv[1]))).encode_text("研 究")
"""
REPEATED = 4
"""Repetitions of a corpus, so that it does not fit into the caches."""
SLOW_SAMPLE, NET_SAMPLE = 100_000, 30_000
"""Number of characters in a round for peers in Python, and for a net in Paddle."""


def make(corpora: Corpora, megabytes: int, checkout: Path | None) -> tuple[list[Row], peers.Script | None]:
    """All rows, for processes on this many megabytes, and the runs of PaddleNLP's script over word-cut text."""
    cut, raw = (_script(corpora, checkout, kind) for kind in ("words", "text"))
    rows = [
        *_kernels(corpora, checkout),
        _process(corpora, "word-cut JSONL -> files, whole step", IDS, corpora.repeated("words", megabytes), cut),
        Row("start to first id", "", _first(corpora), cut.start() if cut else peers.WITHOUT),
        *(_lac(tool, *corpus) for tool in sorted(lac.TOOLS, reverse=True) for corpus in corpora.raw.items()),
        *(_jieba(*corpus) for corpus in corpora.raw.items()),
        _characters(corpora, megabytes),
        _process(corpora, "raw text -> ids with jieba, both steps", RAW, corpora.repeated("text", megabytes // 2), raw),
    ]
    return rows, cut


def _kernels(corpora: Corpora, checkout: Path | None) -> list[Row]:
    tokenizer = tokenizers.open(corpora.vocab)
    rows: dict[str, list[Row]] = {marking: [] for marking in kernel.MARKINGS}
    for name, found in corpora.cut.items():
        text = blocks("".join(found * REPEATED).encode(), ids.BLOCK)
        lines = "".join(some(found, SLOW_SAMPLE)).split("\n")
        reference = peers.marked(checkout, corpora.home, corpora.vocab, lines)
        others, base = peers.tokenizers(corpora.home, corpora.vocab, lines), decode(text)
        for marking in kernel.MARKINGS:
            ours = work("", sum(map(len, text)), _encoding(tokenizer, marking, text))
            what = f"word-cut text -> ids with marks, kernel, `marking: {marking}`"
            beside = others if marking == kernel.MARKINGS[0] else ("as above",)
            rows[marking].append(Row(what, name, ours, reference, beside, base))
    return [row for of_marking in rows.values() for row in of_marking]


def _encoding(tokenizer: Tokenizer, marking: str, text: list[bytes]) -> Callable[[], object]:
    encoder = kernel.make(tokenizer, marking)
    assert isinstance(encoder, kernel.Fast), "the kernel is not compiled: there is nothing to measure"
    return lambda: [encoder.encode_utf8(block) for block in text]


def _process(corpora: Corpora, what: str, code: str, source: Path, script: peers.Script | None) -> Row:
    def seconds() -> float:
        with corpora.folder() as made:
            return launch(["-c", code, source, made, corpora.vocab])[0].cpu

    files = below(source)
    ours = Way("", sum(file.size for file in files), seconds)
    base = decode(blocks((source / files[0].name).read_bytes(), ids.BLOCK))
    reference = script.way() if script else peers.WITHOUT
    return Row(f"{what}, start included, {ours.size >> 20} MB", "both", ours, reference, (), base)


def _first(corpora: Corpora) -> Way:
    return Way("", 0, lambda: launch(["-c", FIRST, corpora.vocab])[0].cpu)


def _lac(tool: str, name: str, found: list[str]) -> Row:
    model = tagger.load(lac.TOOLS[tool])
    sample = some(found, tagger.CHUNK)
    split = [sentence for document in some(found, NET_SAMPLE) for sentence in sentences.split(document)]
    slow, quick = peers.lac(weights.folder(lac.TOOLS[tool]), split)
    ours = work("", size(sample), lambda: list(documents.cut(model, sample)))
    what = f"segmentation by LAC's `{lac.TOOLS[tool]}`, {tagger.paths()[-1]}"
    return Row(what, name, ours, slow, (quick,), _decode(found))


def _jieba(name: str, found: list[str]) -> Row:
    cut = segmenter.load().document
    split = [sentence for document in found for sentence in sentences.split(document)]
    sample = [sentence for document in some(found, SLOW_SAMPLE) for sentence in sentences.split(document)]
    ours = work("", size(found), lambda: [cut(document) for document in found])
    base = _decode(found)
    return Row("segmentation by jieba", name, ours, peers.jieba(sample), (peers.rjieba(split),), base)


def _characters(corpora: Corpora, megabytes: int) -> Row:
    words = corpora.repeated("words", megabytes)
    files = below(words)

    def count() -> None:
        for piece in vocab.pieces(files):
            census.take(files, census.choose(files, piece, None), held_out_size=0, progress=silent, stop=never)

    loop, by_line = peers.counters(corpora.home / "words" / "part-00000.jsonl")
    ours = work("", sum(file.size for file in files), count)
    base = decode(blocks((words / files[0].name).read_bytes(), ids.BLOCK))
    return Row(f"character statistics, files to counts, {ours.size >> 20} MB", "both", ours, loop, (by_line,), base)


def _decode(found: list[str]) -> Way:
    return decode(blocks("\n".join(found).encode(), ids.BLOCK))


def _script(corpora: Corpora, checkout: Path | None, kind: str) -> peers.Script | None:
    """A way on a part of the documents, since it takes seconds per megabyte."""
    if checkout is None or not peers.version("paddlenlp"):
        return None
    home = corpora.home / f"script-{kind}"
    home.mkdir()
    found = corpora.cut if kind == "words" else corpora.raw
    options = ["--cn_splited"] if kind == "words" else ["--cn_seg_func", "jieba"]
    mixed = [document for of_corpus in found.values() for document in of_corpus][:: 3 if kind == "words" else 5]
    return peers.Script(checkout, home, corpora.vocab, mixed, *options)
