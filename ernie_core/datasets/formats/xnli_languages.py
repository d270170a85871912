"""XNLI in fifteen languages (Conneau et al., 2018), in the forms in which it is handed around."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.pairs import Classification, is_header
from ernie_core.datasets.known import LANGUAGES
from ernie_core.datasets.names import language_of, languages_of
from ernie_core.datasets.source import Line, cells, columns, first_lines, first_objects, objects, spell, text_of
from ernie_core.errors import BadInput

_OF_ONE = ("language", "gold_label", "sentence1", "sentence2", "promptID", "pairID")
"""Columns of XNLI-1.0, which has all languages in one file."""
_KEYS = frozenset({"premise", "hypothesis"})
_SAME = {"contradictory": "contradiction"}
"""The translated training set says the one, all others say the other."""


class Xnli(Classification):
    """TSV of premise, hypothesis and label, a file for each language (`dev-ar.tsv`, `multinli.train.ar.tsv`); the
    published `xnli.dev.tsv`; JSON lines as Hugging Face has them.

    Rows of equal number, or pairID, are translations of each other; those of one premise are a group.
    """

    name: ClassVar[str] = "xnli"
    summary: ClassVar[str] = (
        "15 languages. TSV: premise, hypothesis, label in words, the language in the name of the file; or xnli.dev.tsv "
        "of XNLI-1.0; or JSON lines: premise, hypothesis, label 0 to 2 or in words"
    )
    label_names: ClassVar[tuple[str, ...]] = ("entailment", "neutral", "contradiction")
    suffixes: ClassVar[tuple[str, ...]] = (".tsv", ".jsonl", ".json")
    many_languages: ClassVar[bool] = True

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        own = cls.own(files)
        spoken = [path for name, path in own.items() if language_of(name)]
        if len({language_of(name) for name in own} - {""}) > 1 and any(map(cls._has_pairs, spoken)):
            return True
        return any(map(_is_of_one, own.values())) or any(_is_of_all(path) for path in own.values())

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        """Without files whose names have several languages, as those of translations back into English, and without
        the JSON lines that XNLI-1.0 has beside each TSV, with the same rows."""
        mixed = {path for name, path in files.items() if len(languages_of(name)) > 1}
        return {
            split: [path for path in paths if path not in mixed or _is_of_one(path) or _is_of_all(path)]
            for split, paths in names.by_split(_each_once(self.own(files))).items()
        }

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        if path.suffix != ".tsv":
            yield from self._of_objects(path, split)
        elif _is_of_one(path):
            yield from self._of_one(path, split)
        else:
            yield from self._of_language(path, split)

    @classmethod
    def _has_pairs(cls, path: Path) -> bool:
        if path.suffix != ".tsv":
            found = first_objects(path, 1)
            return bool(found) and found[0].keys() >= _KEYS
        rows = [line.split("\t") for line in first_lines(path, 100)]
        last = {row[-1] for row in rows if len(row) == 3}
        return bool(last) and last <= {*cls.label_names, *_SAME, "label"}

    def _of_language(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        """A file in the language that its name says."""
        language = _said(path)
        for number, found in enumerate(columns(path, (3,) if split != "test" else (2, 3))):
            if isinstance(found, Rejected):
                yield found
                continue
            line, row = found
            if number == 0 and is_header(row):
                continue
            place = line.where.rpartition(":")[2]
            yield self._pair(line, split, language, place, row[:2], row[2] if len(row) == 3 else None)

    def _of_published(self, line: Line, row: Mapping[str, Any], split: str, path: Path) -> Example | Rejected:
        """A row of XNLI-1.0."""
        if (language := row["language"]) not in LANGUAGES:
            return line.reject(f"language {spell(language)} is unknown")
        texts = [text_of(line, row, key) for key in ("sentence1", "sentence2")]
        if rejected := next((text for text in texts if isinstance(text, Rejected)), None):
            return rejected
        premise, number = f"{path.name} {row['promptID']}", str(row["pairID"])
        return self._pair(line, split, language, number, [str(text) for text in texts], row["gold_label"], premise)

    def _of_one(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        """A file with a column of the language, and ids that all languages share."""
        for found in cells(path, _header(path)):
            if isinstance(found, Rejected):
                yield found
                continue
            line, row = found
            yield self._of_published(line, row, split, path)

    def _of_objects(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        """JSON lines of one language; with a key of the language; or with all translations in each row."""
        counts = Counter[str]()
        for found in objects(path):
            if isinstance(found, Rejected):
                yield found
                continue
            line, row = found
            if isinstance(row.get("premise"), dict):
                yield from self._of_all(line, row, split)
                continue
            if row.keys() >= {*_OF_ONE}:
                yield self._of_published(line, row, split, path)
                continue
            language = row.get("language", language_of(str(path)))
            if language not in LANGUAGES:
                yield line.reject(f"language {spell(language)} is unknown: say it with the key `language`")
                continue
            counts[language] += 1
            number = str(counts[language]) if "language" in row else line.where.rpartition(":")[2]
            yield self._of_object(line, row, split, language, number)

    def _of_all(self, line: Line, row: Mapping[str, Any], split: str) -> Iterator[Example | Rejected]:
        """The translations in a row: premises by language, hypotheses as two lists."""
        found = row.get("hypothesis")
        try:
            hypotheses = dict(zip(found["language"], found["translation"], strict=True))  # type: ignore[index]
        except (TypeError, KeyError, ValueError):
            yield line.reject(f"`hypothesis` is {spell(found)}, it must have the lists `language` and `translation`")
            return
        number = line.where.rpartition(":")[2]
        for language in LANGUAGES:
            if language in row["premise"] or language in hypotheses:
                texts = {"premise": row["premise"].get(language), "hypothesis": hypotheses.get(language)}
                yield self._of_object(line, {**row, **texts}, split, language, number)

    def _of_object(
        self, line: Line, row: Mapping[str, Any], split: str, language: str, number: str
    ) -> Example | Rejected:
        texts = [text_of(line, row, key) for key in ("premise", "hypothesis")]
        if rejected := next((text for text in texts if isinstance(text, Rejected)), None):
            return rejected
        label = row.get("label")
        if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(self.label_names):
            label = self.label_names[label]
        return self._pair(line, split, language, number, [str(text) for text in texts], label)

    def _pair(
        self, line: Line, split: str, language: str, number: str, texts: Sequence[str], label: object, premise: str = ""
    ) -> Example | Rejected:
        """An example whose id is language and number. The premise itself is the group where it has no id."""
        label = _SAME.get(label, label) if isinstance(label, str) else label
        found = self.example(line, split, texts, label, id=f"{language}-{number}", group=premise or texts[0])
        if isinstance(found, Rejected):
            return found
        return replace(found, values={**found.values, "language": language}, language=language, parallel=number)


def _said(path: Path) -> str:
    if not (language := language_of(str(path))):
        several = languages_of(str(path))
        what = f"says {len(several)} languages, {', '.join(several)}" if several else "does not say the language"
        like = f"train-en{path.suffix}" if several else f"{path.stem}-en{path.suffix}"
        raise BadInput(f"{path}: the name {what}: call it {like} if it is in English")
    return language


def _header(path: Path) -> list[str]:
    return next(iter(first_lines(path, 1)), "").split("\t")


def _is_of_one(path: Path) -> bool:
    return path.suffix == ".tsv" and set(_OF_ONE) <= set(_header(path))


def _is_of_all(path: Path) -> bool:
    """Whether these are JSON lines whose rows say their language, or have all."""
    rows = first_objects(path, 1) if path.suffix != ".tsv" else []
    if not rows or rows[0].keys() >= {*_OF_ONE}:
        return bool(rows)
    return rows[0].keys() >= _KEYS and (isinstance(rows[0]["premise"], dict) or "language" in rows[0])


def _each_once(files: Mapping[str, Path]) -> dict[str, Path]:
    """Of files that differ by their suffix alone, the one whose suffix is the first of those of the format."""
    found: dict[Path, str] = {}
    for name in sorted(files, key=lambda name: (Xnli.suffixes.index(files[name].suffix.lower()), name)):
        found.setdefault(files[name].with_suffix(""), name)
    return {name: files[name] for name in found.values()}
