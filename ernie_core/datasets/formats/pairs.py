"""What formats of classification have in common: a text or a pair of texts, and a label."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Format, Rejected
from ernie_core.datasets.source import Line, label_of, spell
from ernie_core.wording import listed

_HEADERS = (
    ("premise", "hypo", "label"), ("premise", "hypothesis", "label"),
    ("sentence1", "sentence2", "label"), ("sentence1", "sentence2", "gold_label"),
)  # fmt: skip
"""Headers of the translated training set of XNLI, and of other copies of pairs."""


def is_header(row: Sequence[str]) -> bool:
    """Whether the first row of a file of pairs has names of columns: the first two, in a test without labels."""
    names = tuple(cell.strip().lower() for cell in row)
    return any(names == header[: len(names)] for header in _HEADERS)


class Classification(Format):
    """One label for a text or a pair of texts; a test may be without labels."""

    task: ClassVar[str] = "sequence_classification"
    label_names: ClassVar[tuple[str, ...]] = ()
    """The labels in their published order; empty: those of train."""
    suffixes: ClassVar[tuple[str, ...]] = (".tsv", ".txt")

    def labels(self) -> Mapping[str, Sequence[str]]:
        return {"labels.txt": self.label_names} if self.label_names else {}

    @classmethod
    def own(cls, files: Mapping[str, Path]) -> dict[str, Path]:
        """The files that may be data, by their suffixes."""
        return names.with_suffix(files, cls.suffixes)

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        return names.by_split(self.own(files))

    def example(
        self,
        line: Line,
        split: str,
        texts: Sequence[str],
        label: object = None,
        *,
        id: object = None,
        group: str = "",
    ) -> Example | Rejected:
        """An example of these texts. Without a text it is rejected, unless it is of test: there every row is wanted."""
        for text in texts:
            if not text.strip() and split != "test":
                return line.reject("the text is empty" if len(texts) == 1 else "a text of the pair is empty")
        values: dict[str, Any] = dict(zip(("text", "text_pair"), texts, strict=False))
        if isinstance(id, str | int) and id != "":
            values = {"id": id, **values}
        if label is None or label == "":
            return line.reject("no label") if split != "test" else Example(line.where, values, group)
        name, known_names = label_of(label), self.labels().get("labels.txt", ())
        if not name or (known_names and name not in known_names):
            known = f", it must be one of {listed(known_names)}" if known_names else ""
            return line.reject(f"label {spell(label)} is unknown{known}" if name else f"label {spell(label)} is none")
        if any(mark in name for mark in "\n\r\0"):
            return line.reject(f"label {spell(name)} has a line end or a zero byte in it")
        return Example(line.where, {**values, "label": name}, group)
