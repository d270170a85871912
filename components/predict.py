"""The `predict` step: the answers of a package to all lines of a text."""

from typing import Annotated, ClassVar

from pydantic import Field

from components.contract.base import Here, In, Out, Scores, Step
from components.contract.kinds import Package, Report, Text
from components.contract.scores import Score, share
from ernie_core.serve import engines
from ernie_core.tasks import known


class Predict(Step):
    """Answer every non-empty line of a text; a tab separates the texts of a pair."""

    image = "deploy"
    main_scores: ClassVar[tuple[str, ...]] = ("examples",)
    scores: ClassVar[tuple[Score, ...]] = (
        Score("examples"),
        *(share(name, sure=known.everywhere(name), tasks=known.having(name)) for name in known.ANSWERS),
    )

    engine: engines.Choice = "auto"
    """Inference engine; `auto`: the first that the model names and the image has."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Number of lines in one batch. An int8 batch shares its scales, so this can change the last digits of a
    score."""

    def run(self, package: In[Package], text: In[Text], report: Out[Report], here: Here) -> Scores:
        from ernie_core.serve import evaluation
        from ernie_core.serve.predictor import Predictor

        predictor = Predictor.open(package, engine=self.engine, threads=here.cpus, batch_size=self.batch_size)
        return evaluation.label(predictor, text, report, progress=here.progress, stop=here.stop)
