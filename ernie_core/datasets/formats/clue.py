"""The seven tasks of CLUE that classify: JSON lines; those of pairs also as TSV without a header."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.pairs import Classification
from ernie_core.datasets.source import Line, columns, first_objects, label_of, objects, spell, text_of

_SUSPENDED = "-"
"""Label of pairs on which no two annotators agreed."""
_SAMPLE = 20
"""Rows by which a data set is recognised."""


class Clue(Classification):
    """One object a line; the first test set of several is `test.json`, version 1.1 of tnews and cluewsc2020."""

    suffixes: ClassVar[tuple[str, ...]] = (".json", ".jsonl")
    keys: ClassVar[frozenset[str]]
    """Keys that every row has besides its label."""

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        found = names.sample(cls._data(cls.own(files)))
        rows = first_objects(found, _SAMPLE) if found else []
        return bool(rows) and all(cls.keys <= row.keys() and cls.typical(row) for row in rows)

    @classmethod
    @abstractmethod
    def typical(cls, row: Mapping[str, Any]) -> bool:
        """Whether a row with these keys is one of this data set."""

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        found = dict(names.by_split(self._data(self.own(files))))
        exact = [path for path in found.get("test", ()) if path.stem == "test"]
        return {**found, "test": exact} if exact else found

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        for found in objects(path):
            yield found if isinstance(found, Rejected) else self.converted(*found, split)

    def converted(self, line: Line, row: Mapping[str, Any], split: str) -> Example | Rejected:
        """The example of a row."""
        texts = self.texts(line, row)
        if isinstance(texts, Rejected):
            return texts
        return self.example(
            line, split, texts, row.get("label"), id=row.get("id", row.get("idx")), group=self.group(row)
        )

    def texts(self, line: Line, row: Mapping[str, Any]) -> Sequence[str] | Rejected:
        """The text, or the pair of texts, of a row."""
        text = text_of(line, row, "sentence")
        return text if isinstance(text, Rejected) else [text]

    def group(self, row: Mapping[str, Any]) -> str:
        """What examples that belong together share."""
        return ""

    @staticmethod
    def _data(files: Mapping[str, Path]) -> dict[str, Path]:
        """Without the lists of labels that come with the data."""
        return {name: path for name, path in files.items() if not PurePosixPath(name).name.startswith("label")}


class Tnews(Clue):
    """News titles; the label is a number as text or not, the keywords are not used."""

    name: ClassVar[str] = "clue/tnews"
    summary: ClassVar[str] = "JSON lines: sentence, label 100 to 116, label_desc"
    label_names: ClassVar[tuple[str, ...]] = tuple(str(n) for n in range(100, 117) if n not in (105, 111))
    keys: ClassVar[frozenset[str]] = frozenset({"sentence", "label", "label_desc"})

    @classmethod
    def typical(cls, row: Mapping[str, Any]) -> bool:
        return label_of(row["label"]) in cls.label_names


class Iflytek(Clue):
    """Descriptions of apps in 119 classes."""

    name: ClassVar[str] = "clue/iflytek"
    summary: ClassVar[str] = "JSON lines: sentence, label 0 to 118, label_des"
    label_names: ClassVar[tuple[str, ...]] = tuple(map(str, range(119)))
    keys: ClassVar[frozenset[str]] = frozenset({"sentence", "label", "label_des"})

    @classmethod
    def typical(cls, row: Mapping[str, Any]) -> bool:
        return label_of(row["label"]) in cls.label_names


class Csl(Clue):
    """Whether all keywords are those of the abstract: the pair is the keywords, joined by spaces, and the abstract."""

    name: ClassVar[str] = "clue/csl"
    summary: ClassVar[str] = "JSON lines: abst, keyword (a list), label 0 or 1"
    label_names: ClassVar[tuple[str, ...]] = ("0", "1")
    keys: ClassVar[frozenset[str]] = frozenset({"abst", "keyword"})

    @classmethod
    def typical(cls, row: Mapping[str, Any]) -> bool:
        return isinstance(row["keyword"], list)

    def texts(self, line: Line, row: Mapping[str, Any]) -> Sequence[str] | Rejected:
        abstract, words = text_of(line, row, "abst"), row.get("keyword")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            return line.reject(f"`keyword` is {spell(words)}, it must be a list of strings")
        return abstract if isinstance(abstract, Rejected) else [" ".join(words), abstract]

    def group(self, row: Mapping[str, Any]) -> str:
        return str(row["abst"])


class Wsc(Clue):
    """Whether a pronoun means a noun: `_` is put round the noun (span1) and `[ ]` round the pronoun (span2)."""

    name: ClassVar[str] = "clue/cluewsc2020"
    summary: ClassVar[str] = "JSON lines: text, target with span1 and span2, label true or false"
    label_names: ClassVar[tuple[str, ...]] = ("true", "false")
    keys: ClassVar[frozenset[str]] = frozenset({"text", "target"})

    @classmethod
    def typical(cls, row: Mapping[str, Any]) -> bool:
        return isinstance(row["target"], dict) and "span1_text" in row["target"]

    def texts(self, line: Line, row: Mapping[str, Any]) -> Sequence[str] | Rejected:
        text, target = text_of(line, row, "text"), row.get("target")
        if isinstance(text, Rejected):
            return text
        spans: list[tuple[int, int, str, str]] = []
        for number, before, behind in ((1, "_", "_"), (2, "[", "]")):
            span = target.get(f"span{number}_text") if isinstance(target, dict) else None
            begin = target.get(f"span{number}_index") if isinstance(target, dict) else None
            if not isinstance(span, str) or not isinstance(begin, int) or not span or begin < 0:
                return line.reject(
                    f"`target` is {spell(target)}, it must have span{number}_text and span{number}_index"
                )
            if text[begin : begin + len(span)] != span:
                there = text[begin : begin + len(span)]
                return line.reject(f"span{number} is {spell(span)}, at {begin} the text has {spell(there)}")
            spans.append((begin, begin + len(span), before, behind))
        first, second = sorted(spans)
        if first[1] > second[0]:
            return line.reject("span1 and span2 overlap")
        for begin, end, before, behind in (second, first):  # from the right, so that offsets stay true
            text = text[:begin] + before + text[begin:end] + behind + text[end:]
        return [text]

    def group(self, row: Mapping[str, Any]) -> str:
        return str(row["text"])


class Pairs(Clue):
    """Two sentences: JSON lines, or TSV without a header."""

    suffixes: ClassVar[tuple[str, ...]] = (".json", ".jsonl", ".txt", ".tsv")
    keys: ClassVar[frozenset[str]] = frozenset({"sentence1", "sentence2", "label"})
    suspended: ClassVar[tuple[str, ...]] = ()
    """Splits in which pairs without an agreed label are left out."""

    @classmethod
    def typical(cls, row: Mapping[str, Any]) -> bool:
        return label_of(row["label"]) in (*cls.label_names, *((_SUSPENDED,) if cls.suspended else ()))

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        if path.suffix in (".json", ".jsonl"):
            yield from super().rows(path, split)
            return
        for found in columns(path, (3,) if split != "test" else (2, 3)):
            if isinstance(found, Rejected):
                yield found
            else:
                line, row = found
                yield self.converted(line, dict(zip(("sentence1", "sentence2", "label"), row, strict=False)), split)

    def converted(self, line: Line, row: Mapping[str, Any], split: str) -> Example | Rejected:
        if row.get("label") == _SUSPENDED and split in self.suspended:
            return line.reject("label `-`: the annotators did not agree", expected=True)
        return super().converted(line, row, split)

    def texts(self, line: Line, row: Mapping[str, Any]) -> Sequence[str] | Rejected:
        found = [text_of(line, row, key) for key in ("sentence1", "sentence2")]
        return next((text for text in found if isinstance(text, Rejected)), [str(text) for text in found])


class Afqmc(Pairs):
    """Questions to a payment service: the same meaning (1) or not (0)."""

    name: ClassVar[str] = "clue/afqmc"
    summary: ClassVar[str] = "JSON lines: sentence1, sentence2, label 0 or 1; or TSV of these"
    label_names: ClassVar[tuple[str, ...]] = ("0", "1")

    @classmethod
    def typical(cls, row: Mapping[str, Any]) -> bool:
        # nearly every question names one of the two services; other pairs have the same keys
        return super().typical(row) and any("呗" in str(row[key]) for key in ("sentence1", "sentence2"))


class Ocnli(Pairs):
    """Natural language inference, written in Chinese."""

    name: ClassVar[str] = "clue/ocnli"
    summary: ClassVar[str] = (
        "JSON lines: sentence1, sentence2, label in words, genre, prem_id; or TSV of the first three"
    )
    label_names: ClassVar[tuple[str, ...]] = ("entailment", "contradiction", "neutral")
    suspended: ClassVar[tuple[str, ...]] = ("train", "dev")
    keys: ClassVar[frozenset[str]] = Pairs.keys | {"genre", "prem_id"}

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        found = dict(super().splits(files))
        if len(several := found.get("train", ())) > 1:  # train.3k.json to train.50k.json, each within the next
            found["train"] = [max(several, key=lambda path: path.stat().st_size)]
        return found

    def group(self, row: Mapping[str, Any]) -> str:
        return str(row["sentence1"])


class Cmnli(Pairs):
    """Natural language inference, translated from English."""

    name: ClassVar[str] = "clue/cmnli"
    summary: ClassVar[str] = "JSON lines: sentence1, sentence2, label in words; or TSV of these"
    label_names: ClassVar[tuple[str, ...]] = ("contradiction", "entailment", "neutral")
    suspended: ClassVar[tuple[str, ...]] = ("dev",)

    @classmethod
    def typical(cls, row: Mapping[str, Any]) -> bool:
        return super().typical(row) and "prem_id" not in row

    def group(self, row: Mapping[str, Any]) -> str:
        return str(row["sentence1"])
