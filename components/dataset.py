"""The `dataset` step: labelled data, a person's own or published, by files or by name -> labelled examples."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from components.contract.around import Around
from components.contract.base import Here, In, Out, Scores, Step
from components.contract.kinds import RawData, TaskData
from components.contract.scores import Score, several
from components.contract.values import Column, Share
from components.runtime import published
from ernie_core.datasets.known import AUTO, CHOICES, FORMATS, LANGUAGES, MODES
from ernie_core.errors import BadInput, Error
from ernie_core.tasks.data import PLAIN

if TYPE_CHECKING:
    from ernie_core.catalogue.entries import Entry

    Format = str
    Mode = str
    Language = str
else:
    Format, Mode, Language = Literal[CHOICES], Literal[MODES], Literal[LANGUAGES]

Removable = Literal["in_both", "related", "repeated", "contradicting"]
Files = tuple[str, ...]
_COLUMNS = ("text", "text_pair", "label", "id", "split_by", "header", "labels")


class Dataset(Step):
    """Read labelled data, by their published name, from files in a published format or of your own table, into train,
    dev and test.

    Rows that cannot be used are listed in `rejected.jsonl`.
    """

    image = "text"
    main_scores: ClassVar[tuple[str, ...]] = ("train", "dev", "test", "rejected", "in_both")
    scores: ClassVar[tuple[Score, ...]] = several(
        "train dev test rejected left_out repeated in_both related contradicting"
    )

    instead: ClassVar[Mapping[str, str]] = {"raw_data": "name"}
    downloads: ClassVar[bool] = True
    added: ClassVar[frozenset[str]] = frozenset({"name", "mode", "languages"})

    name: str | None = None
    """Name of the catalogue, such as `msra_ner` or `clue/afqmc`, whose files are downloaded; without it an input of
    kind `raw_data` is needed."""
    format: Format = "auto"
    """Format of the files; `auto` recognises it by their columns or keys."""

    text: Column | None = None
    """Own csv, tsv or jsonl: name of the column of the text, or its number from 1; default: `text`."""
    text_pair: Column | None = None
    """Own csv, tsv or jsonl: column of the second text of a pair; default: `text_pair`, if there is one."""
    label: Column | None = None
    """Own csv, tsv or jsonl: column of the label; default: `label`."""
    id: Column | None = None
    """Own csv, tsv or jsonl: column of the example's id; default: `id`, if there is one, else file and line."""
    split_by: Column | None = None
    """Own csv, tsv or jsonl: column whose equal values stay in one split when dev or test is cut from train."""
    header: bool | None = None
    """Whether the first row of a csv or tsv holds the names of columns; default: yes, unless `text` is a number."""
    labels: tuple[str, ...] | None = None
    """Own csv, tsv or jsonl: names of labels in the order of their ids; default: those in train, sorted."""

    train_files: Files = ()
    """Names or patterns of the files of train; default: those whose name says so."""
    dev_files: Files = ()
    """Names or patterns of the files of dev."""
    test_files: Files = ()
    """Names or patterns of the files of test."""
    dev: Share = 0.0
    """Share of train to cut as dev, as `10%` or 0.1; equal texts and groups stay together."""
    test: Share = 0.0
    """Share of train to cut as test, as `10%` or 0.1."""

    mode: Mode | None = None
    """Data in several languages: what train has. `cross-lingual-transfer`: English alone, and English dev chooses the
    best weights; `translate-train-all`: all languages, one after the other, and dev of all chooses. Dev and test have
    all languages in both."""
    languages: tuple[Language, ...] = ()
    """Data in several languages: those to use; default: all. Each must be there."""

    remove: tuple[Removable, ...] = ()
    """Examples to remove from train: those that dev or test have, too (`in_both`); `related` ones, of a group of dev or
    test, such as a premise; `repeated` ones but the first; `contradicting` ones, whose text has several labels."""
    max_examples: Annotated[int, Field(ge=1)] | None = None
    """Largest number of examples of each split, chosen by a hash; default: all."""
    max_rejected: Share = 0.0
    """Largest share of rows that cannot be used, as `0.1%` or 0.001; above it the data are refused."""

    @property
    def tells_task(self) -> str:
        from ernie_core.datasets import choosing

        if (form := self._form()) != AUTO:
            return choosing.load(form).task
        return PLAIN if any(getattr(self, name) is not None for name in _COLUMNS) else ""

    def settings(self) -> dict[str, Any]:
        return published.settings(super().settings(), self.entry)

    def entry(self) -> "Entry | None":
        """What the name stands for; None without one. NotFound for a name of nothing."""
        from ernie_core.catalogue import datasets

        return datasets.entry(self.name) if self.name is not None else None

    def _form(self) -> str:
        """The format, if parameters tell it."""
        try:
            found = self.entry()
        except Error:  # `misfits` says so
            return AUTO
        return str(found.facts["format"]) if found else self.format

    def _misfits_of_name(self, around: Around) -> Iterator[str]:
        if self.name is None:
            return
        if around.reads.get("raw_data"):
            yield published.both(self.name, around.reads["raw_data"][0].name)
        if given := [name for name in ("format", *_COLUMNS) if name in self.model_fields_set]:
            yield f"{', '.join(given)}: how {self.name} is read is known: leave that out, or the name"
        try:
            self.entry()
        except Error as error:
            yield str(error)

    def misfits(self, around: Around) -> Iterator[str]:
        yield from self._misfits_of_name(around)
        if self.format in FORMATS and (given := [name for name in _COLUMNS if getattr(self, name) is not None]):
            yield f"{', '.join(given)}: the columns of {self.format} are known: leave that out, or the format"
        if self.format == "jsonl":
            numbers = [name for name in _COLUMNS if isinstance(getattr(self, name), int)]
            if numbers:
                yield f"{', '.join(numbers)}: JSON lines have keys: give names, or leave it out"
        if self.labels is not None and len(self.labels) < 2:
            yield f"labels has {len(self.labels)} name(s), a classifier needs at least two: give all, or leave it out"
        if self.header is False and isinstance(self.text or "text", str):
            yield "header false: columns have no names: give `text` and `label` as numbers from 1"
        if self.dev + self.test >= 1:
            yield f"dev {self.dev:g} and test {self.test:g} leave nothing to train: lower them"
        for split in ("dev", "test"):
            if getattr(self, split) and getattr(self, f"{split}_files"):
                yield f"{split} and {split}_files both say what {split} is: leave one of them out"
        yield from self._misfits_of_languages()
        if (self.dev_files or self.test_files) and not self.train_files:
            yield "dev_files or test_files without train_files: say which files train is, too"

    def _misfits_of_languages(self) -> Iterator[str]:
        from ernie_core.datasets import choosing
        from ernie_core.datasets.languages import Languages

        form = self._form()
        if form == AUTO and self.mode is None and not self.languages:
            return
        if form != AUTO and not choosing.load(form).many_languages:
            if given := [name for name in ("mode", "languages") if getattr(self, name)]:
                yield f"{', '.join(given)}: data of format {form} do not say their language: leave it out"
            return
        try:
            Languages.chosen(self.mode, self.languages)
        except BadInput as error:
            yield str(error)

    def run(self, raw_data: In[RawData] | None, task_data: Out[TaskData], here: Here) -> Scores:
        from ernie_core.catalogue import datasets, fetch
        from ernie_core.datasets import dataset
        from ernie_core.datasets.columns import Columns

        reading: dict[str, Any] = {
            "format": self.format, "columns": Columns(**{name: getattr(self, name) for name in _COLUMNS})
        }  # fmt: skip
        source, entry = published.source(here), self.entry()
        if entry is None:
            assert raw_data is not None  # the spec was checked
            folder: Path = raw_data
        else:
            folder, reading = here.scratch / "files", datasets.reading(entry)
            datasets.bring(entry, folder, source)
        scores = dataset.make(
            folder,
            task_data,
            **reading,
            files={"train": self.train_files, "dev": self.dev_files, "test": self.test_files},
            dev=self.dev,
            test=self.test,
            mode=self.mode,
            languages=self.languages,
            remove=self.remove,
            max_examples=self.max_examples,
            max_rejected=self.max_rejected,
            progress=here.progress,
            stop=here.stop,
        )
        if entry:
            here.afterwards.append(lambda: fetch.forget(entry, source))
        return scores
