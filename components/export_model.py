"""The `export_model` step: a model -> the form of PaddleNLP or of Hugging Face."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from components.contract.around import Around
from components.contract.base import Here, In, Out, Scores, Step
from components.contract.kinds import Finetuned, ForeignModel, Model
from components.contract.scores import Score, several
from ernie_core.errors import BadInput


class ExportModel(Step):
    """Write a pretrained or a fine-tuned model as PaddleNLP or Hugging Face's transformers open it.

    Its outputs are the same there, to 1e-5. A fine-tuned model keeps its head, if they have one for the task.
    """

    image = "train"
    main_scores: ClassVar[tuple[str, ...]] = ("size_mb", "parameters")
    scores: ClassVar[tuple[Score, ...]] = several("size_mb parameters layers")

    to: Literal["paddlenlp", "hf"]
    """The form: `paddlenlp` or `hf`, Hugging Face's transformers."""

    def misfits(self, around: Around) -> Iterator[str]:
        model, finetuned = ([made.name for made in around.reads.get(port, ())] for port in ("model", "finetuned"))
        if model and finetuned:
            yield (
                f"reads {model[0]} and {finetuned[0]}, but writes one model: `from: {{finetuned: []}}` takes"
                f" {model[0]}, `from: {{model: []}}` takes {finetuned[0]}"
            )
        if not model and not finetuned:
            yield "reads no model: make or bring one, `inputs: {base: {model: ...}}`"

    def run(
        self, model: In[Model] | None, finetuned: In[Finetuned] | None, foreign_model: Out[ForeignModel], here: Here
    ) -> Scores:
        from ernie_core.model.foreign import exporting

        if source := finetuned or model:
            return exporting.export(source, foreign_model, self.to)
        raise BadInput("export_model reads no model: make or bring one, `inputs: {base: {model: ...}}`")
