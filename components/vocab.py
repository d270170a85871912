"""The `vocab` step: a vocabulary for one or more corpora."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from components.around import Around
from components.base import Here, ManyFiles, Out, Scores, Step, Unmeasured
from components.kinds import Vocab as VocabKind
from components.kinds import Words
from components.scores import Score, several, share
from components.values import Size

if TYPE_CHECKING:
    from ernie_core.text.pieces import Piece

_HELD_OUT = (
    "nothing was held out, for that the words must have 100 documents and those held out some text: give it more, put "
    "empty lines between documents, or take the gate out"
)


class Vocab(Step):
    """Build a WordPiece vocabulary from words: Han characters, word pieces, and the other characters seen."""

    image = "text"
    revision: ClassVar[int] = 2
    unmeasured: ClassVar[Mapping[str, Unmeasured]] = {
        "coverage": Unmeasured(_HELD_OUT, "held_out_characters"),
        "unk_rate": Unmeasured(_HELD_OUT, "held_out_tokens"),
    }
    scores: ClassVar[tuple[Score, ...]] = (
        *several("size specials han characters extension documents bytes held_out_characters held_out_tokens"),
        Score("english", when=lambda step, _: step.recipe == "merge", needs="`recipe: merge`"),
        Score("pieces", when=lambda step, _: step.recipe == "whole", needs="`recipe: whole`"),
        share("unknown_character_rate"),
        share("coverage", sure=False),
        share("unk_rate", sure=False),
    )

    size: Annotated[int, Field(gt=0)] = 40000
    """Tokens at most. Up to 44,634 ids with whole-word marks fit in 16 bits whatever Han characters it holds."""

    recipe: Literal["merge", "whole"] = "merge"
    """`merge` learns pieces of Latin words; `whole` learns pieces of all words but Han, whatever their script, until
    `size` is full."""

    english_size: Annotated[int, Field(ge=0)] = 17000
    """Latin word pieces at most, 0 for none; `whole` does not use it."""

    min_count: Annotated[int, Field(gt=0)] = 10
    """Occurrences that a character other than Han, or a word, needs to count."""

    sample: Size | None = None
    """Bytes of words to count, spread evenly over each and all of them; everything if left out."""

    han: Literal["all", "seen"] = "all"
    """All 20,902 Han characters of U+4E00 to U+9FA5, or those that occur."""

    @model_validator(mode="after")
    def _fits(self) -> "Vocab":
        from ernie_core.text.vocab import least_size

        if self.size < (least := least_size(self.han)):
            more = ", or take `han: seen`" if self.han == "all" else ""
            raise ValueError(f"size {self.size} is too small: with `han: {self.han}` make it at least {least}{more}")
        return self

    def misfits(self, around: Around) -> Iterator[str]:
        if "english_size" not in self.model_fields_set:
            return
        if self.recipe == "whole" and self.english_size:
            yield "english_size is not used with `recipe: whole`: leave it out, or take `recipe: merge`"
        elif self.english_size > self.size:
            yield f"english_size {self.english_size} is above size {self.size}, of which it is a part: lower it"

    def pieces(self, words: ManyFiles[Words]) -> "Sequence[Piece]":
        from ernie_core.text import vocab as vocabulary

        return vocabulary.pieces(words)

    def run(self, words: ManyFiles[Words], vocab: Out[VocabKind], here: Here) -> Scores:
        from ernie_core.text import vocab as vocabulary

        assert here.piece
        return vocabulary.piece(
            words,
            here.piece.work,
            here.piece.number,
            vocab,
            recipe=self.recipe,
            sample=self.sample,
            progress=here.progress,
            stop=here.stop,
        )

    def join(self, made: Sequence[Path], vocab: Out[VocabKind], **_: object) -> Scores:
        from ernie_core.text import vocab as vocabulary

        return vocabulary.join(
            made,
            vocab,
            size=self.size,
            english_size=self.english_size,
            min_count=self.min_count,
            han=self.han,
            recipe=self.recipe,
        )
