"""The `evaluate` step: an exported model, asked all labelled examples of a split."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from components.base import Here, In, Out, Scores, Step
from components.kinds import Inference, Report, TaskData
from components.scores import Score, several, share


class Evaluate(Step):
    """Score an exported model, with the engine that will serve it. The report holds every prediction."""

    image = "deploy"
    scores: ClassVar[tuple[Score, ...]] = (share("accuracy"), share("macro_f1"), *several("loss examples"))

    split: Literal["dev", "test"] = "test"
    """Which examples to ask."""
    engine: Literal["auto", "fastdeploy", "onnxruntime"] = "auto"
    """What computes; `auto`: the first that the model names and the image has."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Examples computed at once; in int8 a batch shares its scales, so this can change a score in the last digits."""

    def run(self, inference: In[Inference], task_data: In[TaskData], report: Out[Report], here: Here) -> Scores:
        from ernie_core.serve import evaluation
        from ernie_core.serve.predictor import Predictor

        predictor = Predictor.open(inference, engine=self.engine, threads=here.cpus, batch_size=self.batch_size)
        return evaluation.score(predictor, task_data, report, split=self.split, progress=here.progress, stop=here.stop)
