"""ChnSentiCorp: Chinese reviews, negative (0) or positive (1)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.pairs import Classification
from ernie_core.datasets.source import cells, first_lines
from ernie_core.errors import BadInput

_TEXT = ("text_a", "text")
_KNOWN = {*_TEXT, "label", "qid"}


class ChnSentiCorp(Classification):
    """TSV with a header of `label`, `text_a` or `text`, and `qid` if there is one, in any order, without quotes."""

    name: ClassVar[str] = "chnsenticorp"
    summary: ClassVar[str] = "TSV with a header: label and text_a, in any order; sometimes qid"
    label_names: ClassVar[tuple[str, ...]] = ("0", "1")
    suffixes: ClassVar[tuple[str, ...]] = (".tsv",)

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        found = names.sample(cls.own(files))
        lines = first_lines(found, 2) if found else []
        header = lines[0].split("\t") if lines else []
        # `text` and `label` alone may be anybody's
        if not {"text_a", "label"} <= set(header) <= _KNOWN or len(lines) < 2:
            return False
        return dict(zip(header, lines[1].split("\t"), strict=False)).get("label") in cls.label_names

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        header = [name.strip() for name in next(iter(first_lines(path, 1)), "").split("\t")]
        text = next((name for name in _TEXT if name in header), "")
        if not text or not set(header) <= _KNOWN or ("label" not in header and split != "test"):
            raise BadInput(
                f"{path}:1: the header is {header}, ChnSentiCorp has label and text_a, separated by a tab:"
                " say which columns yours are with `format: tsv`, text and label"
            )
        for found in cells(path, header):
            if isinstance(found, Rejected):
                yield found
                continue
            line, row = found
            yield self.example(line, split, [row[text]], row.get("label"), id=row.get("qid"))
