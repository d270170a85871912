"""Entities from the tags of words, and their precision, recall and F1: the rules of `seqeval` in its default mode.

Those are the rules of the CoNLL shared tasks (conlleval.pl). A tag is `O`, or a prefix and a type, such as `B-PER`; a
name without a prefix, such as `PAD`, counts as `O`. No sequence of tags is an error: an entity may begin with `I-`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

OUTSIDE = "O"
SCHEMES = {"IO": "I", "BIO": "BI", "BIOES": "BIES"}
"""The prefixes of every scheme of tags."""


@dataclass(frozen=True)
class Span:
    """Words that are an entity: those from `start` on, up to `end`, which is not one of them."""

    type: str
    start: int
    end: int


def spans(tags: Sequence[str]) -> list[Span]:
    """The entities of a sequence of tags, in their order."""
    found: list[Span] = []
    before, start = OUTSIDE, 0
    for number, tag in enumerate([*tags, OUTSIDE]):
        if tag == before == OUTSIDE:
            continue
        if continues(before, tag):
            before = tag
            continue
        if is_inside(before):
            found.append(Span(kind(before), start, number))
        before, start = tag, number
    return found


def is_inside(tag: str) -> bool:
    """Whether a tag is that of an entity's word."""
    return tag[1:2] == "-"


def kind(tag: str) -> str:
    """The type of the entity that a tag belongs to."""
    return tag[2:]


def continues(before: str, tag: str) -> bool:
    """Whether a word belongs to the same entity as the word before it, by their tags."""
    return tag[0] in "IE" and before[0] in "BI" and tag[1:] == before[1:] and is_inside(tag)


def tags(found: Sequence[Span], count: int, scheme: str) -> list[str]:
    """The tags of `count` words with some entities that do not overlap."""
    prefixes, row = SCHEMES[scheme], [OUTSIDE] * count
    for span in found:
        marks = ["I"] * (span.end - span.start)
        if "B" in prefixes:
            marks[0] = "B"
        if "E" in prefixes:
            marks[-1] = "E" if len(marks) > 1 else "S"
        row[span.start : span.end] = [f"{mark}-{span.type}" for mark in marks]
    return row


def scores(predicted: Sequence[Sequence[Span]], true: Sequence[Sequence[Span]]) -> dict[str, float]:
    """`precision`, `recall` and `f1` over all entities of all rows; one is right if type, start and end are."""
    right = sum(sum((Counter(one) & Counter(other)).values()) for one, other in zip(predicted, true, strict=True))
    given, wanted = (sum(map(len, rows)) for rows in (predicted, true))
    return {
        "precision": right / given if given else 0.0,
        "recall": right / wanted if wanted else 0.0,
        "f1": 2 * right / (given + wanted) if given + wanted else 0.0,
    }


def likeness(predicted: Sequence[Span], true: Sequence[Span]) -> float:
    """F1 of one row; 1 if there is nothing to find and nothing was found."""
    return scores([predicted], [true])["f1"] if predicted or true else 1.0
