"""Entities from tags, and their scores: the rules of seqeval in its default mode, which is the peer here."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernie_core.tasks.metrics import spans
from ernie_core.tasks.metrics.spans import Span

TAGS = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("PER", "LOC", "a-b"))]
ROWS = st.lists(st.sampled_from(TAGS), min_size=1, max_size=12)


@pytest.mark.parametrize(("tags", "wanted"), [
    ("B-PER I-PER O", [("PER", 0, 2)]),
    ("B-PER B-PER", [("PER", 0, 1), ("PER", 1, 2)]),
    ("O I-PER I-PER", [("PER", 1, 3)]),  # I- without B-
    ("B-PER I-LOC I-LOC O", [("PER", 0, 1), ("LOC", 1, 3)]),  # a type that changes without O
    ("I-PER I-PER O I-LOC", [("PER", 0, 2), ("LOC", 3, 4)]),  # IO
    ("B-PER I-PER E-PER S-LOC S-LOC", [("PER", 0, 3), ("LOC", 3, 4), ("LOC", 4, 5)]),  # BIOES
    ("S-PER E-PER", [("PER", 0, 1), ("PER", 1, 2)]),
    ("O B-PER.NAM I-PER.NAM", [("PER.NAM", 1, 3)]),  # at the very end
    ("PAD O PAD", []),
])  # fmt: skip
def test_entities_by_hand(tags: str, wanted: list[tuple[str, int, int]]) -> None:
    assert spans.spans(tags.split()) == [Span(*one) for one in wanted]


@pytest.mark.parity
@given(ROWS)
@settings(max_examples=1000, deadline=None)
def test_the_entities_are_those_of_seqeval(tags: list[str]) -> None:
    labeling = pytest.importorskip("seqeval.metrics.sequence_labeling")
    theirs = [(kind, start, end + 1) for kind, start, end in labeling.get_entities(tags)]
    assert [(span.type, span.start, span.end) for span in spans.spans(tags)] == theirs


@pytest.mark.parity
@given(st.lists(ROWS, min_size=1, max_size=5), st.data())
@settings(max_examples=300, deadline=None)
def test_the_scores_are_those_of_seqeval(true: list[list[str]], data: st.DataObject) -> None:
    theirs = pytest.importorskip("seqeval.metrics")
    predicted = [data.draw(st.lists(st.sampled_from(TAGS), min_size=len(row), max_size=len(row))) for row in true]
    ours = spans.scores([spans.spans(row) for row in predicted], [spans.spans(row) for row in true])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scores without a denominator, which both take for 0
        assert ours["precision"] == pytest.approx(theirs.precision_score(true, predicted))
        assert ours["recall"] == pytest.approx(theirs.recall_score(true, predicted))
        assert ours["f1"] == pytest.approx(theirs.f1_score(true, predicted))


@pytest.mark.parametrize("scheme", spans.SCHEMES)
def test_tags_of_entities_spell_these_entities(scheme: str) -> None:
    entities = [Span("PER", 0, 1), Span("LOC", 2, 5), Span("LOC", 6, 8)]
    assert spans.spans(spans.tags(entities, 8, scheme)) == entities


def test_an_entity_is_right_if_type_start_and_end_are() -> None:
    true = [[Span("PER", 0, 2), Span("LOC", 3, 4)]]
    predicted = [[Span("PER", 0, 2), Span("LOC", 3, 5), Span("ORG", 6, 7)]]
    assert spans.scores(predicted, true) == {"precision": pytest.approx(1 / 3), "recall": 0.5, "f1": pytest.approx(0.4)}
    assert spans.scores([[]], [[]]) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert spans.likeness([], []) == 1.0 and spans.likeness([], true[0]) == 0.0
