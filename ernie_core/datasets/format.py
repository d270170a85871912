"""The contract of a format: which files it is, and how their lines become examples of a task."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ernie_core.datasets.columns import Columns
from ernie_core.errors import BadInput
from ernie_core.wording import listed


@dataclass(frozen=True)
class Example:
    """One labelled example: a line of `<split>.jsonl`, in the form that the reader of its task expects.

    `id` is the data's own, if it has one. A test without answers gives no answers.
    """

    where: str
    """`file:line`, or `file: paragraph 3, question 2`, for messages; the file is the path that was given to `rows`."""
    values: Mapping[str, Any]
    group: str = ""
    """Examples of one group, such as those with one premise or of one dialogue, stay together when dev or test is cut
    from train; empty: of none."""
    language: str = ""
    """Of data in several languages."""
    parallel: str = ""
    """What translations of one row share, and no other row of their file, or of files whose names differ by their
    language alone; empty: there are none."""


@dataclass(frozen=True)
class Rejected:
    """A line that cannot be used, and why, with the value that is wrong."""

    where: str
    why: str
    begins: str = ""
    """How the line begins."""
    expected: bool = False
    """Whether it is one that users of these data leave out by its publisher's rule: listed, but no fault."""


class Format(ABC):
    """One format. The same name stands for the data set in the table of defaults (ernie_core/tasks/defaults.py)."""

    name: ClassVar[str]
    """`chnsenticorp`, `clue/tnews`, `csv`."""
    task: ClassVar[str]
    """Name of the task of its examples."""
    summary: ClassVar[str]
    """Which data have this form, as a noun phrase."""
    many_languages: ClassVar[bool] = False
    """Whether its examples say their language, and rows are translations of each other."""

    @classmethod
    def of(cls, columns: Columns) -> "Format":
        """The format, with what a person said of the columns of their files. BadInput if it needs none of that."""
        if given := columns.given():
            raise BadInput(
                f"{listed(given)}: the columns of {cls.name} are known, leave that out, or say what your files are with"
                " `format: csv`, `tsv` or `jsonl`"
            )
        return cls()

    @classmethod
    @abstractmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        """Whether these files, by their names relative to the folder, have this form; judged by names and by the first
        lines. At most one format may recognise a folder."""

    @abstractmethod
    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        """The files of train, dev and test; a split that the data do not have is left out."""

    @abstractmethod
    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        """Every example of a file in its order; a faulty one is `Rejected`, and reading continues behind it."""

    def beside(self, path: Path) -> Sequence[Path]:
        """Files that belong to a file of a split and are read with it, such as one of answers, if they are there."""
        return ()

    def labels(self) -> Mapping[str, Sequence[str]]:
        """Names of labels in their published order, by the file they are written to, such as `labels.txt`; without
        that, the names that occur in train are written in sorted order."""
        return {}

    def facts(self) -> Mapping[str, Any]:
        """What the task keeps in `task.json` of the data, such as the scheme of its tags."""
        return {}
