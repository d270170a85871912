"""XNLI in Chinese, as ERNIE 1.0 was fine-tuned on it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.pairs import Classification, is_header
from ernie_core.datasets.formats.xnli_languages import Xnli
from ernie_core.datasets.source import columns, first_lines

_SAME = {"contradiction": "contradictory"}
"""The training file says the one, the others say the other."""


class XnliCn(Classification):
    """TSV of premise, hypothesis, label; a header that ends in `label` is skipped."""

    name: ClassVar[str] = "xnli_cn"
    summary: ClassVar[str] = "TSV: premise, hypothesis, label in words; contradiction is written contradictory"
    label_names: ClassVar[tuple[str, ...]] = ("contradictory", "entailment", "neutral")

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        found = names.sample(cls.own(files))
        rows = [line.split("\t") for line in first_lines(found, 100)] if found else []
        last = {row[-1] for row in rows if len(row) == 3}
        if Xnli.recognises(files):
            return False
        # CMNLI as TSV differs in this word only
        return "contradictory" in last and last <= {*cls.label_names, *_SAME, "label"}

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        for number, found in enumerate(columns(path, (3,) if split != "test" else (2, 3))):
            if isinstance(found, Rejected):
                yield found
                continue
            line, row = found
            if number == 0 and (row[-1] == "label" or is_header(row)):
                continue
            label = _SAME.get(row[2], row[2]) if len(row) == 3 else None
            yield self.example(line, split, row[:2], label, group=row[0])
