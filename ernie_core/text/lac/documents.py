"""Documents to word-cut documents with LAC, as many at once as the net works on best."""

from collections.abc import Iterable, Iterator

from ernie_core.text import cutter, sentences, wordcut
from ernie_core.text.lac import tagger


def cut(model: tagger.Tagger, documents: Iterable[str]) -> Iterator[wordcut.Cut]:
    """Every document, cut, in their order."""
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
        yield document._replace(long_sentences=sum(map(cutter.is_long, found)))
