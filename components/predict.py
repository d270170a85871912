"""The `predict` step: the labels of all lines of a text."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from components.base import Here, In, Out, Scores, Step
from components.kinds import Package, Report, Text
from components.scores import Score, share


class Predict(Step):
    """Predict a label for every line of a text that is not empty; a pair of texts has a tab between."""

    image = "deploy"
    scores: ClassVar[tuple[Score, ...]] = (Score("examples"), share("share_*"))

    engine: Literal["auto", "fastdeploy", "onnxruntime"] = "auto"
    """What computes; `auto`: the first that the model names and the image has."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Lines computed at once; in int8 a batch shares its scales, so this can change a score in the last digits."""

    def run(self, package: In[Package], text: In[Text], report: Out[Report], here: Here) -> Scores:
        from ernie_core.serve import evaluation
        from ernie_core.serve.predictor import Predictor

        predictor = Predictor.open(package, engine=self.engine, threads=here.cpus, batch_size=self.batch_size)
        return evaluation.label(predictor, text, report, progress=here.progress, stop=here.stop)
