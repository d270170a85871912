"""What formats of token classification have in common: words, and a tag for each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ernie_core.datasets.format import Example, Format, Rejected
from ernie_core.datasets.source import Line, blocks, first_lines, spell
from ernie_core.wording import listed

TAG = re.compile(r"O|[BIES]-[^\s\x02]+")
NEWS_TAGS = ("B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "O")
"""The tags of the two corpora of newspapers, in the order of the published recipe."""


class Tagged(Format):
    """A tag for each word; a test may be without tags."""

    task: ClassVar[str] = "token_classification"
    tag_names: ClassVar[tuple[str, ...]] = ()
    """The tags in their published order; empty: those of train."""

    def labels(self) -> Mapping[str, Sequence[str]]:
        return {"labels.txt": self.tag_names} if self.tag_names else {}

    def facts(self) -> Mapping[str, Any]:
        return {"scheme": "BIO"} if self.tag_names else {}

    def example(
        self, line: Line, split: str, tokens: Sequence[str], tags: Sequence[str] | None, *, id: object = None
    ) -> Example | Rejected:
        """An example of these words, which begin in a line. `tags` may be None in test."""
        values: dict[str, Any] = {} if id is None or id == "" else {"id": id}
        values["tokens"] = list(tokens)
        if not any(token.strip() for token in tokens):
            return line.reject("the text is empty")
        if tags is None:
            return Example(line.where, values) if split == "test" else line.reject("no tags")
        if len(tags) != len(tokens):
            return line.reject(f"{len(tokens)} tokens and {len(tags)} tags")
        for token, tag in zip(tokens, tags, strict=True):
            if self.tag_names and tag not in self.tag_names:
                return line.reject(f"tag {spell(tag)} of {spell(token)} is unknown, it must be one of "
                                   f"{listed(self.tag_names, 24)}")  # fmt: skip
            if not TAG.fullmatch(tag):
                return line.reject(f"tag {spell(tag)} of {spell(token)} is none: O, or B-, I-, E- or S- and a type")
        return Example(line.where, {**values, "labels": list(tags)})


class Column(Tagged):
    """A word and its tag a line, with an empty line between sentences."""

    separator: ClassVar[str] = "\t"

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        for block in blocks(path):
            yield block if isinstance(block, Rejected) else self.sentence(block, split)

    def sentence(self, block: Sequence[Line], split: str) -> Example | Rejected:
        """The example of the lines of a sentence."""
        tokens, tags = [], []
        for line in block:
            pair = cells(line.text, self.separator)
            if isinstance(pair, str):
                return line.reject(pair)
            token = self.token(pair[0])
            if token is None:
                return line.reject(f"token {spell(pair[0])} is not a character and its number in the word, such as 科0")
            if pair[1] not in (self.tag_names or (pair[1],)) or not TAG.fullmatch(pair[1]):
                found = self.example(line, split, [token or "-"], [pair[1]])
                assert isinstance(found, Rejected)
                return found
            tokens.append(token)
            tags.append(pair[1])
        return self.example(block[0], split, tokens, tags)

    def token(self, text: str) -> str | None:
        """The word in a first column; None if it cannot be one."""
        return text


def cells(text: str, separator: str) -> tuple[str, str] | str:
    """The token and the tag of a line, or what is wrong. The token may itself be the separator, a space."""
    token, found, tag = text.rpartition(separator)
    count = text.count(separator) + 1
    if not found or (separator in token and token != separator):
        name = "spaces" if separator == " " else "tabs"
        return f"{count} column(s) instead of 2, separated by {name}"
    return token, tag


def begins_with_tags(path: Path, separator: str) -> bool:
    """Whether the first lines of a file are words with tags."""
    found = [cells(text, separator) for text in first_lines(path, 3)]
    return bool(found) and all(not isinstance(pair, str) and TAG.fullmatch(pair[1]) for pair in found)
