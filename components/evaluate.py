"""The `evaluate` step: an exported model on all labelled examples of a split."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from components.contract.base import Here, In, Out, Scores, Step
from components.contract.kinds import Inference, Report, TaskData
from components.contract.scores import Score, several, share
from ernie_core.serve import engines
from ernie_core.tasks import known


class Evaluate(Step):
    """Score an exported model with the engine that will serve it. The report holds every prediction."""

    image = "deploy"
    main_scores: ClassVar[tuple[str, ...]] = known.SHARES
    scores: ClassVar[tuple[Score, ...]] = (
        *(share(name, sure=known.everywhere(name), tasks=known.having(name)) for name in known.SHARES),
        *(share(name, sure=False, tasks=tasks) for name, tasks in known.BY_LANGUAGE.items()),
        *several("loss examples"),
    )

    split: Literal["dev", "test"] = "test"
    """Split to evaluate."""
    engine: engines.Choice = "auto"
    """Inference engine; `auto`: the first that the model names and the image has."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Number of examples in one batch. An int8 batch shares its scales, so this can change the last digits of a
    score."""

    def run(self, inference: In[Inference], task_data: In[TaskData], report: Out[Report], here: Here) -> Scores:
        from ernie_core.serve import evaluation
        from ernie_core.serve.predictor import Predictor

        predictor = Predictor.open(inference, engine=self.engine, threads=here.cpus, batch_size=self.batch_size)
        return evaluation.score(predictor, task_data, report, split=self.split, progress=here.progress, stop=here.stop)
