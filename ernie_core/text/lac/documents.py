"""Word segmentation of documents with LAC, in batches of the best size for the net."""

from collections.abc import Iterable, Iterator

from ernie_core.text import sentences, wordcut
from ernie_core.text.jieba import segmenter
from ernie_core.text.lac import tagger


def cut(model: tagger.Tagger, documents: Iterable[str]) -> Iterator[wordcut.Cut]:
    """Segment every document, in order."""
    waiting: list[str] = []
    size = 0
    for document in documents:
        waiting.append(document)
        size += len(document)
        if size >= tagger.CHUNK:
            yield from _cut(model, waiting)
            waiting, size = [], 0
    yield from _cut(model, waiting)


def _cut(model: tagger.Tagger, documents: list[str]) -> Iterator[wordcut.Cut]:
    split = [sentences.split(document) for document in documents]
    lines = iter(model.lines([sentence for found in split for sentence in found]))
    for found in split:
        cut = [next(lines) for _ in found]
        document = wordcut.of_lines(cut, sum(map(len, cut)) - sum(map(len, found)) + len(found))
        yield document._replace(long_sentences=sum(map(segmenter.is_long, found)))
