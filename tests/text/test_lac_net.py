"""LAC's net gives the tags of a plain one in NumPy, on every instruction set of this processor."""

import itertools
import random
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernie_core.text import sentences
from ernie_core.text.lac import TOOLS, tagger, weights

native = pytest.importorskip("ernie_core.text.lac._lac")
PATHS = native.paths()
MODELS = sorted(TOOLS.values())


@cache
def loaded(model: str, path: str) -> tagger.Tagger:
    return tagger.load(model, path=path)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def walk(gru: weights.Gru, inputs: np.ndarray) -> Iterator[np.ndarray]:
    """The states of a GRU, one after the other, in float64."""
    state = np.zeros(len(gru.gates))
    for x in inputs:
        update, reset, candidate = np.split(x @ gru.input + gru.input_bias + gru.bias, 3)
        from_update, from_reset = np.split(state @ gru.gates, 2)
        update, reset = sigmoid(update + from_update), sigmoid(reset + from_reset)
        state = (1 - update) * state + update * np.tanh(candidate + (reset * state) @ gru.candidate)
        yield state


def plain_tags(w: weights.Weights, units: list[int]) -> list[int]:
    """The net, as it is written down: two layers in both directions, and the best path through the CRF."""
    x = w.embedding[units].astype(np.float64)
    for forward, backward in w.layers:
        x = np.hstack([list(walk(forward, x)), list(walk(backward, x[::-1]))[::-1]])
    scores = x @ w.emission + w.emission_bias
    start, end, transition = w.crf[0], w.crf[1], w.crf[2:]
    best, back = start + scores[0], []
    for row in scores[1:]:
        step = best[:, None] + transition
        back.append(step.argmax(0))
        best = step.max(0) + row
    tags = [int((best + end).argmax())]
    for row in reversed(back):
        tags.append(int(row[tags[-1]]))
    return tags[::-1]


def net_tags(model: tagger.Tagger, rows: list[list[int]]) -> list[list[int]]:
    units, lengths = (
        np.array([unit for row in rows for unit in row], np.int32),
        np.array([len(row) for row in rows], np.int64),
    )
    tags = np.empty(len(units), np.uint8)
    model.net.tag(units.ctypes.data, lengths.ctypes.data, len(rows), tags.ctypes.data)
    bounds = np.cumsum([0, *lengths]).tolist()
    return [tags[a:b].tolist() for a, b in itertools.pairwise(bounds)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", MODELS)
def test_the_net_gives_the_tags_of_a_plain_one_on_real_sentences(name, path, text):
    model, rng = loaded(name, path), random.Random(5)
    found = [s for file in sorted(text.glob("*.txt")) for s in sentences.split(file.read_text(encoding="utf-8"))]
    rows = [model.known.single[[ord(c) for c in s]].tolist() for s in rng.sample(found, 40)]
    assert net_tags(model, rows) == [plain_tags(model.parameters, row) for row in rows]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 8000), max_size=9), max_size=60))
def test_a_sentence_gets_the_same_tags_whatever_stands_beside_it(rows):
    model = loaded("seg_model", PATHS[-1])
    assert net_tags(model, rows) == [net_tags(model, [row])[0] if row else [] for row in rows]
