"""SICK: English pairs of sentences for natural language inference, all splits in one file."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.pairs import Classification
from ernie_core.datasets.source import cells, first_lines
from ernie_core.errors import BadInput

_NEEDED = ("pair_ID", "sentence_A", "sentence_B", "entailment_label", "SemEval_set")
_SETS = {"TRAIN": "train", "TRIAL": "dev", "TEST": "test"}


class SickNli(Classification):
    """TSV with a header of 12 columns; `SemEval_set` says the split. Labels become lower case, as in XNLI."""

    name: ClassVar[str] = "sick_nli"
    summary: ClassVar[str] = "one TSV with a header: sentence_A, sentence_B, entailment_label, SemEval_set"
    label_names: ClassVar[tuple[str, ...]] = ("entailment", "neutral", "contradiction")
    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".tsv")

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        return any(set(_NEEDED) <= set(_header(path)) for path in cls.own(files).values())

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        found = [path for path in self.own(files).values() if set(_NEEDED) <= set(_header(path))]
        return dict.fromkeys(_SETS.values(), found) if found else {}

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        header = _header(path)
        if not set(_NEEDED) <= set(header):
            raise BadInput(f"{path}:1: the header is {header}, SICK has {', '.join(_NEEDED)} among its columns")
        for found in cells(path, header):
            if isinstance(found, Rejected):
                if split == "train":  # the file is read for each split
                    yield found
                continue
            line, row = found
            part = _SETS.get(row["SemEval_set"])
            if part is None and split == "train":
                yield line.reject(f"SemEval_set `{row['SemEval_set']}` is none of {', '.join(_SETS)}")
            elif part == split:
                pair, label = [row["sentence_A"], row["sentence_B"]], row["entailment_label"].lower()
                yield self.example(line, split, pair, label, id=row["pair_ID"])


def _header(path: Path) -> list[str]:
    return next(iter(first_lines(path, 1)), "").split("\t")
