"""Words and tags of texts with one of LAC's models. It is fastest with many sentences at once."""

import functools
import importlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from ernie_core.errors import BadInput, NotFound
from ernie_core.text.lac import custom, dictionary, weights

Model = Literal["seg_model", "lac_model"]

LONGEST = 4096
"""Most code points of a text for the net; a longer one is split at each multiple, which bounds the memory."""

CHUNK = 1 << 18
"""Best number of code points per call, about: more texts have more sentences of equal length."""


class _Net(Protocol):
    def tag(self, units: int, lengths: int, count: int, tags: int) -> None: ...


class _Lexicon(Protocol):
    def add(self, token: int, size: int, unit: int) -> None: ...

    def cut(self, codes: int, lengths: int, count: int, units: int, widths: int, numbers: int) -> int: ...


@dataclass(frozen=True)
class Tagger:
    """A loaded model. Threads may share it."""

    known: dictionary.Dictionary
    parameters: weights.Weights
    """Kept alive because the net refers to the embedding."""
    net: _Net
    lexicon: _Lexicon | None
    """The dictionary pass; None for a model that reads characters."""
    own: custom.CustomWords | None = None

    def words(self, texts: Sequence[str]) -> list[list[str]]:
        """The words of each text; joined, they are the text."""
        if any(len(text) > LONGEST for text in texts):
            parts = [[text[n : n + LONGEST] for n in range(0, len(text), LONGEST)] for text in texts]
            cut = iter(self.words([piece for pieces in parts for piece in pieces]))
            return [[word for _ in pieces for word in next(cut)] for pieces in parts]
        joined, starts, begins = self._begins(texts)
        places = np.flatnonzero(begins)
        of_text = np.searchsorted(places, starts).tolist()
        bounds = [*places.tolist(), len(joined)]
        words = [joined[a:b] for a, b in itertools.pairwise(bounds)]
        return [words[a:b] for a, b in itertools.pairwise(of_text)]

    def lines(self, texts: Sequence[str]) -> list[str]:
        """The words of each text joined by spaces, faster than `words`."""
        if any(len(text) > LONGEST for text in texts):
            parts = [[text[n : n + LONGEST] for n in range(0, len(text), LONGEST)] for text in texts]
            cut = iter(self.lines([piece for pieces in parts for piece in pieces]))
            return [" ".join(next(cut) for _ in pieces) for pieces in parts]
        joined, starts, begins = self._begins(texts)
        # A character moves by the number of word borders up to it, including its own.
        places = np.arange(len(joined)) + np.cumsum(begins)
        spaced = np.full(len(joined) + np.count_nonzero(begins), ord(" "), np.uint32)
        spaced[places] = _codes(joined)
        text = spaced.tobytes().decode("utf-32-le", "surrogatepass")
        bounds = np.append(places, len(spaced) + 1)[starts].tolist()
        return [text[a : max(a, b - 1)] for a, b in itertools.pairwise(bounds)]

    def tags(self, texts: Sequence[str]) -> list[list[str]]:
        """The tag of each character; a text of more than `LONGEST` characters is not split here."""
        joined, starts = "".join(texts), _starts(texts)
        tags, widths = self._tagged(joined, np.diff(starts))
        names = self.known.tags
        flat: list[str] = []
        for tag, width in zip(tags.tolist(), widths.tolist(), strict=True):
            flat += [names[tag], *[f"{names[tag][:-2]}-I"] * (width - 1)]
        bounds = starts.tolist()
        found = [flat[a:b] for a, b in itertools.pairwise(bounds)]
        if self.own:
            for text, of_text in zip(texts, found, strict=True):
                self.own.correct(text, of_text)
        return found

    def _begins(self, texts: Sequence[str]) -> tuple[str, np.ndarray, np.ndarray]:
        """The joined texts, the offsets where each begins and the last ends, and where words begin."""
        joined, starts = "".join(texts), _starts(texts)
        tags, widths = self._tagged(joined, np.diff(starts))
        begins = np.zeros(len(joined), bool)
        begins[np.cumsum(widths) - widths] = self.known.begins[tags]
        if self.own:
            self._correct(texts, starts, begins)
        begins[starts[:-1][np.diff(starts) > 0]] = True
        return joined, starts, begins

    def _tagged(self, joined: str, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tags of the units of all texts, and the number of characters of each unit."""
        codes = _codes(joined)
        if self.lexicon is None:
            units, widths = self.known.single[codes], np.ones(len(codes), np.int32)
        else:
            units, widths = np.empty(len(codes), np.int32), np.empty(len(codes), np.int32)
            numbers = np.empty(len(lengths), np.int64)
            data = (codes.ctypes.data, lengths.ctypes.data, len(lengths))
            size = self.lexicon.cut(*data, units.ctypes.data, widths.ctypes.data, numbers.ctypes.data)
            units, widths, lengths = units[:size], widths[:size], numbers
        tags = np.empty(len(units), np.uint8)
        self.net.tag(units.ctypes.data, lengths.ctypes.data, len(lengths), tags.ctypes.data)
        return tags, widths

    def _correct(self, texts: Sequence[str], starts: np.ndarray, begins: np.ndarray) -> None:
        assert self.own
        for text, first in zip(texts, starts.tolist(), strict=False):
            for at, phrase in self.own.find(text):
                begins[first + at : first + at + phrase.ends[-1]] = False
                for n in (at, *(at + end for end in phrase.ends)):
                    if n < len(text):
                        begins[first + n] = True


def load(model: Model, words: Path | None = None, path: str | None = None) -> Tagger:
    """A model of the installed package, with custom words in a folder; `path` selects an instruction set. BadInput if
    the processor does not have it."""
    place = weights.folder(model)
    known, found = dictionary.read(place / "conf"), weights.read(place)
    usable = paths()
    if path and path not in usable:
        raise BadInput(f"`{path}` is not among the instruction sets of this processor: {', '.join(usable)}")
    net = _net(found, usable.index(path or usable[-1]))
    lexicon = _lexicon(known) if model == "lac_model" else None
    return Tagger(known, found, net, lexicon, custom.read(words) if words else None)


def paths() -> tuple[str, ...]:
    """The compiled instruction sets that this processor supports, the best last."""
    found: tuple[str, ...] = _native().paths()
    return found


def _net(found: weights.Weights, path: int) -> _Net:
    units, width = found.embedding.shape
    hidden = len(found.layers[0][0].gates)
    layers = [
        [[a.ctypes.data for a in (g.input, g.input_bias, g.gates, g.candidate, g.bias)] for g in layer]
        for layer in found.layers
    ]
    rest = [a.ctypes.data for a in (found.embedding, found.emission, found.emission_bias, found.crf)]
    net: _Net = _native().Net((units, width, hidden, len(found.emission_bias)), layers, rest, path)
    return net


def _lexicon(known: dictionary.Dictionary) -> _Lexicon:
    short, long = known.tokens()
    keys = np.array([sum((ord(c) + 1) << 21 * n for n, c in enumerate(word)) for word in short], np.uint64)
    units = np.array([known.unit(word) for word in short], np.int32)
    cut = np.array([word in known.cuts for word in short], np.uint8)
    single = known.single
    data = (keys.ctypes.data, units.ctypes.data, cut.ctypes.data, len(keys), single.ctypes.data, len(single))
    lexicon: _Lexicon = _native().Lexicon(*data, known.scores)
    for word in long:
        codes = np.array([ord(c) for c in word], np.uint32)
        lexicon.add(codes.ctypes.data, len(codes), known.unit(word))
    return lexicon


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _starts(texts: Sequence[str]) -> np.ndarray:
    return np.cumsum([0, *map(len, texts)], dtype=np.int64)


@functools.cache
def _native():  # type: ignore[no-untyped-def]
    try:
        return importlib.import_module("ernie_core.text.lac._lac")
    except ImportError as error:
        raise NotFound(
            f"the compiled part of the LAC segmenter is missing ({error}): install a wheel, or run "
            "`python setup.py build_ext --inplace`; `tool: jieba` works without"
        ) from error
