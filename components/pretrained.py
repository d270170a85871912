"""The `pretrained` step: a model that others pretrained, by its name or from its files."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from components.contract.around import Around
from components.contract.base import Here, In, Out, Scores, Step
from components.contract.kinds import Model, ModelFiles
from components.contract.scores import Score, several
from components.runtime import published
from ernie_core.errors import Error

if TYPE_CHECKING:
    from ernie_core.catalogue.entries import Entry

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Pretrained(Step):
    """Take a model that others pretrained: by its published name, or from files of PaddleNLP or Hugging Face.

    What is downloaded is checked, converted and kept in the store; later runs find it there. Nothing of a file is
    executed. Scores are the shape of the model.
    """

    image = "train"
    memory: ClassVar[str] = "4GiB"
    instead: ClassVar[Mapping[str, str]] = {"model_files": "name"}
    downloads: ClassVar[bool] = True
    main_scores: ClassVar[tuple[str, ...]] = ("parameters", "layers", "hidden_size", "vocab_size")
    scores: ClassVar[tuple[Score, ...]] = several(
        "parameters layers hidden_size heads positions vocab_size tokens left_out drawn"
    )

    name: str | None = None
    """Name of the catalogue, such as `ernie-3.0-base-zh`, or `hf://owner/name@commit`; without it an input of kind
    `model_files` is needed."""

    sha256: Mapping[str, Digest] = {}
    """Digests that downloaded files must have, by name, such as `model_state.pdparams`; `source.json` of the model has
    them. Default: those that the catalogue knows."""

    def misfits(self, around: Around) -> Iterator[str]:
        if self.name is None:
            if self.sha256:
                yield "sha256 without name: files of an input are known by their content, leave it out"
            return
        if around.reads.get("model_files"):
            yield published.both(self.name, around.reads["model_files"][0].name)
        try:
            self.entry()
        except Error as error:
            yield str(error)

    def settings(self) -> dict[str, Any]:
        return published.settings(super().settings(), self.entry)

    def entry(self) -> "Entry | None":
        """What the name stands for; None without one. NotFound or BadInput for a name of nothing."""
        from ernie_core.catalogue import models

        return models.pinned(models.entry(self.name), self.sha256) if self.name is not None else None

    @property
    def positions(self) -> int:
        """Tokens that a text may have; 0 if the catalogue does not say."""
        # the first two rows of ERNIE-M are of no position
        return int(self._config().get("max_position_embeddings", 0)) - 2 * (self.model_type == "ernie_m")

    @property
    def model_type(self) -> str:
        """`ernie` or `ernie_m`; empty if the catalogue does not say."""
        return str(config.get("model_type", "ernie")) if (config := self._config()) else ""

    def _config(self) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = (entry.facts if (entry := self.entry()) else {}).get("config", {})
        except Error:  # `misfits` says so
            return {}
        return found

    def run(self, model_files: In[ModelFiles] | None, model: Out[Model], here: Here) -> Scores:
        from ernie_core.catalogue import fetch, models
        from ernie_core.model import foreign

        if (entry := self.entry()) is None:
            assert model_files is not None  # the spec was checked
            return foreign.convert(model_files, model)
        source, folder = published.source(here), here.scratch / "files"
        folder.mkdir()
        rows = fetch.bring(entry, folder, source)
        models.complete(entry, folder)
        scores = foreign.convert(folder, model)
        models.note(entry, rows, model)
        here.afterwards.append(lambda: fetch.forget(entry, source))
        return scores
