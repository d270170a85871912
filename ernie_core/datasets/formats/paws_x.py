"""PAWS-X: pairs of sentences with the same words, a paraphrase (1) or not (0)."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.pairs import Classification
from ernie_core.datasets.source import columns, first_lines

_HEADER = ["id", "sentence1", "sentence2", "label"]
UNTRANSLATED = "NS"
"""What stands for a sentence that was not translated."""


class PawsX(Classification):
    """TSV: `id`, `sentence1`, `sentence2`, `label` with a header, or the last three without one."""

    name: ClassVar[str] = "paws_x"
    summary: ClassVar[str] = "TSV: sentence1, sentence2, 0 or 1; with a header also id before them"
    label_names: ClassVar[tuple[str, ...]] = ("0", "1")
    suffixes: ClassVar[tuple[str, ...]] = (".tsv",)

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        found = names.sample(cls.own(files))
        first = next(iter(first_lines(found, 1)), "").split("\t") if found else []
        # without a header the names of the files decide: other pairs have the same columns
        upstream = any("2k" in PurePosixPath(name).stem for name in cls.own(files))
        return first == _HEADER or (upstream and len(first) == 3 and first[-1] in cls.label_names)

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        headed = next(iter(first_lines(path, 1)), "").split("\t") == _HEADER
        for number, found in enumerate(columns(path, (4 if headed else 3,))):
            if isinstance(found, Rejected):
                yield found
                continue
            line, row = found
            if headed and number == 0:
                continue
            *ids, first, second, label = row
            if split != "test" and any(text.strip() in ("", UNTRANSLATED) for text in (first, second)):
                yield line.reject("a sentence was not translated", expected=True)
            else:
                yield self.example(line, split, [first, second], label, id=ids[0] if ids else None)
