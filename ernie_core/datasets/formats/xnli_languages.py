"""XNLI in fifteen languages (Conneau et al., 2018), in the forms in which it is handed around."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.pairs import Classification
from ernie_core.datasets.known import LANGUAGES
from ernie_core.datasets.languages import language_of, without_language
from ernie_core.datasets.source import Line, columns, first_lines, first_objects, objects, spell, text_of
from ernie_core.errors import BadInput

_OF_ONE = ("language", "gold_label", "sentence1", "sentence2", "promptID", "pairID")
"""Columns of XNLI-1.0, which has all languages in one file."""
_TRANSLATED = (["premise", "hypo", "label"], ["premise", "hypothesis", "label"])
"""Headers of a language of the translated training set, and of other copies."""
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
            if number == 0 and row in _TRANSLATED:
                continue
            place = line.where.rpartition(":")[2]
            yield self._pair(line, split, language, place, row[:2], row[2] if len(row) == 3 else None)

    def _of_one(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        """A file with a column of the language, and ids that all languages share."""
        header = _header(path)
        read = columns(path, (len(header),))
        next(read)
        for found in read:
            if isinstance(found, Rejected):
                yield found
                continue
            line, row = found
            cells = dict(zip(header, row, strict=True))
            if (language := cells["language"]) not in LANGUAGES:
                yield line.reject(f"language {spell(language)} is unknown")
                continue
            texts = [cells["sentence1"], cells["sentence2"]]
            premise = f"{path.name} {cells['promptID']}"
            yield self._pair(line, split, language, cells["pairID"], texts, cells["gold_label"], premise)

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
        """An example whose id is language and number. The premise itself is the group where it has no id. Files of
        another name have other rows: only those of one name, but for the language, are translations."""
        label = _SAME.get(label, label) if isinstance(label, str) else label
        found = self.example(line, split, texts, label, id=f"{language}-{number}", group=premise or texts[0])
        if isinstance(found, Rejected):
            return found
        parallel = f"{without_language(line.where.rpartition(':')[0])} {number}"
        return replace(found, values={**found.values, "language": language}, language=language, parallel=parallel)


def _said(path: Path) -> str:
    if not (language := language_of(str(path))):
        raise BadInput(
            f"{path}: the name does not say the language: call it {path.stem}-en{path.suffix} if it is in English"
        )
    return language


def _header(path: Path) -> list[str]:
    return next(iter(first_lines(path, 1)), "").split("\t")


def _is_of_one(path: Path) -> bool:
    return path.suffix == ".tsv" and set(_OF_ONE) <= set(_header(path))


def _is_of_all(path: Path) -> bool:
    """Whether these are JSON lines whose rows say their language, or have all."""
    rows = first_objects(path, 1) if path.suffix != ".tsv" else []
    return bool(rows) and rows[0].keys() >= _KEYS and (isinstance(rows[0]["premise"], dict) or "language" in rows[0])
