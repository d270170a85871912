"""The `vocab` step: a vocabulary for one or more corpora."""

from typing import Annotated, Literal

from pydantic import Field

from components.base import Here, Many, Out, Scores, Step
from components.kinds import Vocab as VocabKind
from components.kinds import Words


class Vocab(Step):
    """Build a WordPiece vocabulary from words: Han characters, Latin word pieces, and the other characters seen."""

    image = "text"

    size: Annotated[int, Field(gt=0)] = 40000
    """Tokens at most. Up to 44,634 ids with whole-word marks fit in 16 bits whatever Han characters it holds."""

    english_size: Annotated[int, Field(ge=0)] = 17000
    """Latin word pieces at most; 0 for none."""

    min_count: Annotated[int, Field(gt=0)] = 10
    """Occurrences that a character other than Han, or a Latin word, needs to count."""

    han: Literal["all", "seen"] = "all"
    """All 20,902 Han characters of U+4E00 to U+9FA5, or those that occur."""

    def run(self, words: Many[Words], vocab: Out[VocabKind], here: Here) -> Scores:
        from ernie_core.text import vocab as vocabulary

        return vocabulary.build(
            [source.path for source in words],
            vocab,
            size=self.size,
            english_size=self.english_size,
            min_count=self.min_count,
            han=self.han,
            progress=here.progress,
            stop=here.stop,
        )
