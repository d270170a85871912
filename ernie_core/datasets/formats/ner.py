"""Named entities of newspapers, microblogs and Wikipedia, as their publishers have them, and CoNLL files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.tagged import NEWS_TAGS, TAG, Column, Tagged, begins_with_tags
from ernie_core.datasets.source import Line, blocks, columns, first_lines

_BETWEEN = "\x02"
_COMMENT = re.compile(r"# [\w-]+ ?[=:]|-DOCSTART-")


class MsraNer(Tagged):
    """TSV with or without a header: an id, if there is one, words and tags, both joined by the byte 2."""

    name: ClassVar[str] = "msra_ner"
    summary: ClassVar[str] = "TSV: tokens and tags, both joined by the byte 2; sometimes an id before them"
    tag_names: ClassVar[tuple[str, ...]] = NEWS_TAGS

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        path = names.sample(names.with_suffix(files, (".tsv", ".txt")))
        return path is not None and any(_BETWEEN in text for text in first_lines(path, 3))

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        return names.by_split(names.with_suffix(files, (".tsv", ".txt")))

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        for number, found in enumerate(columns(path, (2, 3))):
            if isinstance(found, Rejected):
                yield found
                continue
            line, row = found
            if number == 0 and row[-1].lower() in ("label", "labels"):
                continue
            *front, last = row
            tags: list[str] | None = last.split(_BETWEEN)
            if split == "test" and len(front) == 1 and not all(TAG.fullmatch(tag) for tag in tags or ()):
                front, last, tags = [front[0], last], "", None  # an id and words
            tokens = front[-1].split(_BETWEEN)
            yield self.example(line, split, tokens, tags, id=front[0] if len(front) == 2 else None)


class PeoplesDailyNer(Column):
    """`example.train`, `example.dev` and `example.test`: a character, a space and its tag a line."""

    name: ClassVar[str] = "peoples_daily_ner"
    summary: ClassVar[str] = "`example.train`, dev, test: a character and its tag a line, a space between"
    tag_names: ClassVar[tuple[str, ...]] = NEWS_TAGS
    separator: ClassVar[str] = " "

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        return bool(cls().splits(files))

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        return _by_ending(files, r"example")


class WeiboNer(Column):
    """`weiboNER_2nd_conll.train` and so on: a character with its number in the word, a tab and the tag a line."""

    name: ClassVar[str] = "weibo_ner"
    summary: ClassVar[str] = (
        "`weiboNER*.train`, dev, test: a character with its number in the word, and its tag, a line"
    )
    tag_names: ClassVar[tuple[str, ...]] = (
        *(f"{mark}-{kind}.{form}" for form in ("NAM", "NOM") for kind in ("PER", "ORG", "GPE", "LOC") for mark in "BI"),
        "O",
    )

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        return bool(cls().splits(files))

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        return _by_ending(files, r"weiboNER.*")

    def token(self, text: str) -> str | None:
        # Emoji are two damaged characters in these files.
        return text[:-1] if text[-1:].isdecimal() and len(text) in (2, 3) else None


class WikiAnn(Column):
    """WikiANN as XTREME has it (PAN-X): `train-zh.tsv` and so on, any number of languages."""

    name: ClassVar[str] = "wikiann"
    summary: ClassVar[str] = "`train-zh.tsv`, dev, test, and other languages: a word and its tag a line, a tab between"
    tag_names: ClassVar[tuple[str, ...]] = NEWS_TAGS

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        found = [path for paths in cls().splits(files).values() for path in paths]
        return bool(found) and begins_with_tags(found[0], "\t")

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        found = (re.fullmatch(r"(train|dev|test)-[a-z]{2,3}\.tsv", PurePosixPath(name).name) for name in sorted(files))
        of = [(match[1], files[name]) for match, name in zip(found, sorted(files), strict=True) if match]
        return {split: paths for split in ("train", "dev", "test") if (paths := [p for s, p in of if s == split])}


class Conll(Column):
    """Columns of any number, the first a word and the last its tag; with an empty line between sentences."""

    name: ClassVar[str] = "conll"
    summary: ClassVar[str] = (
        "a word and its tag a line (the first and the last column), an empty line between sentences"
    )
    suffixes: ClassVar[tuple[str, ...]] = (".conll", ".bio", ".iob", ".iob2", ".bioes", ".txt", ".tsv")

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        path = names.sample(names.with_suffix(files, cls.suffixes))
        if path is None or WikiAnn.recognises(files):
            return False
        rows = [re.split("\t| ", text) for text in first_lines(path, 3) if not _COMMENT.match(text)]
        same = len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
        return same and not rows[0][0].isdecimal() and all(TAG.fullmatch(row[-1]) for row in rows)

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        return names.by_split(names.with_suffix(files, self.suffixes))

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        width = 0
        for block in blocks(path):
            if isinstance(block, Rejected):
                yield block
                continue
            lines = [line for line in block if not _COMMENT.match(line.text)]
            if not lines:
                continue
            separator = "\t" if "\t" in lines[0].text else " "
            width = width or len(lines[0].text.split(separator))
            odd = next((line for line in lines if not _fits(line.text, separator, width)), None)
            if odd:
                count = len(odd.text.split(separator))
                yield odd.reject(
                    f"{count} column(s) instead of {width}, separated by {'tabs' if separator != ' ' else 'spaces'}"
                )
                continue
            pairs = [_outer(line, separator) for line in lines]
            yield self.sentence(pairs, split)


def _fits(text: str, separator: str, width: int) -> bool:
    # a line whose word is the space itself has two separators more
    return len(text.split(separator)) == width or (
        separator == " " and text.startswith("  ") and len(text.split(" ")) == width + 1
    )


def _outer(line: Line, separator: str) -> Line:
    """A line with its first and last column, a tab between."""
    cells = line.text.split(separator)
    token = " " if separator == " " and not cells[0] else cells[0]
    return Line(line.where, f"{token}\t{cells[-1]}")


def _by_ending(files: Mapping[str, Path], stem: str) -> dict[str, Sequence[Path]]:
    """The files `<stem>.train`, `<stem>.dev` and `<stem>.test`."""
    found: dict[str, Sequence[Path]] = {}
    for split in ("train", "dev", "test"):
        of = [files[name] for name in sorted(files) if re.fullmatch(rf"{stem}\.{split}", PurePosixPath(name).name)]
        if of:
            found[split] = of
    return found
