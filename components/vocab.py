"""The `vocab` step: a vocabulary for one or more corpora."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from components.contract.around import Around
from components.contract.base import Here, ManyFiles, Out, Scores, Step, Unmeasured
from components.contract.kinds import Vocab as VocabKind
from components.contract.kinds import Words
from components.contract.scores import Score, several, share
from components.contract.values import Size

if TYPE_CHECKING:
    from ernie_core.text.pieces import Piece

_HELD_OUT = (
    "nothing was held out: that takes 100 documents or more, with text in those held out; add documents, put "
    "empty lines between documents, or remove the gate"
)


def _of_words(step: "Vocab", _: Collection[str]) -> bool:
    return step.recipe != "sentencepiece"


class Vocab(Step):
    """Build a vocabulary from words: of WordPiece, with Han characters, word pieces, and the other characters seen;
    or of SentencePiece for ERNIE-M, for any number of languages."""

    image = "text"
    revision: ClassVar[int] = 2
    added: ClassVar[frozenset[str]] = frozenset({"character_coverage"})
    unmeasured: ClassVar[Mapping[str, Unmeasured]] = {
        "coverage": Unmeasured(_HELD_OUT, "held_out_characters"),
        "unk_rate": Unmeasured(_HELD_OUT, "held_out_tokens"),
    }
    main_scores: ClassVar[tuple[str, ...]] = ("size", "coverage", "unk_rate")
    scores: ClassVar[tuple[Score, ...]] = (
        *several("size specials extension documents bytes held_out_characters held_out_tokens"),
        *several("han characters", when=_of_words, needs="`recipe: merge` or `recipe: whole`"),
        Score("english", when=lambda step, _: step.recipe == "merge", needs="`recipe: merge`"),
        Score("pieces", when=lambda step, _: step.recipe != "merge", needs="`recipe: whole` or `sentencepiece`"),
        share("unknown_character_rate", when=_of_words, needs="`recipe: merge` or `recipe: whole`"),
        share("coverage", sure=False),
        share("unk_rate", sure=False),
    )

    size: Annotated[int, Field(gt=0)] = 40000
    """Largest number of tokens. Up to 44,634 ids with whole-word marks fit in 16 bits, whichever Han characters."""

    recipe: Literal["merge", "whole", "sentencepiece"] = "merge"
    """How pieces are learned: `merge` learns pieces of Latin words; `whole` learns pieces of all words except Han, in
    any script, until `size` is full; `sentencepiece` trains a unigram model, for ERNIE-M (`model_type: ernie_m`)."""

    english_size: Annotated[int, Field(ge=0)] = 17000
    """Largest number of Latin word pieces, 0 for none; used by `merge` alone."""

    min_count: Annotated[int, Field(gt=0)] = 10
    """Number of occurrences from which a word, or a character other than Han, counts; not used by `sentencepiece`."""

    sample: Size | None = None
    """Amount of words to count, such as `10GiB`, spread evenly over all of them; default: everything, or 256 MiB for
    `sentencepiece`."""

    han: Literal["all", "seen"] = "all"
    """Han characters to include: `all` 20,902 of U+4E00 to U+9FA5, or those `seen`; not used by `sentencepiece`."""

    character_coverage: Annotated[float, Field(gt=0.9, le=1)] = 0.9995
    """Share of the text whose characters a SentencePiece vocabulary contains; the others are unknown."""

    @model_validator(mode="after")
    def _fits(self) -> "Vocab":
        from ernie_core.text.basics import least_size

        if self.recipe == "sentencepiece":
            if self.size < 100:
                raise ValueError(f"size {self.size} is too small: a SentencePiece vocabulary has 100 tokens or more")
            return self
        if self.size < (least := least_size(self.han)):
            more = ", or use `han: seen`" if self.han == "all" else ""
            raise ValueError(f"size {self.size} is too small: with `han: {self.han}` make it at least {least}{more}")
        return self

    def misfits(self, around: Around) -> Iterator[str]:
        if self.recipe == "sentencepiece":
            for name in ("english_size", "min_count", "han"):
                if name in self.model_fields_set:
                    yield f"{name} is not used with `recipe: sentencepiece`: leave it out"
            return
        if "character_coverage" in self.model_fields_set:
            yield "character_coverage is a setting of `recipe: sentencepiece`: leave it out"
        if "english_size" not in self.model_fields_set:
            return
        if self.recipe == "whole" and self.english_size:
            yield "english_size is not used with `recipe: whole`: leave it out, or use `recipe: merge`"
        elif self.english_size > self.size:
            yield f"english_size {self.english_size} is above size {self.size}, of which it is a part: lower it"

    def pieces(self, words: ManyFiles[Words]) -> "Sequence[Piece]":
        from ernie_core.text.vocab import build as vocabulary

        return vocabulary.pieces(words)

    def run(self, words: ManyFiles[Words], vocab: Out[VocabKind], here: Here) -> Scores:
        from ernie_core.text.vocab import build as vocabulary

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

    def join(self, made: Sequence[Path], vocab: Out[VocabKind], here: Here, **_: object) -> Scores:
        from ernie_core.text.vocab import build as vocabulary

        return vocabulary.join(
            made,
            vocab,
            size=self.size,
            english_size=self.english_size,
            min_count=self.min_count,
            han=self.han,
            recipe=self.recipe,
            character_coverage=self.character_coverage,
            scratch=here.scratch,
            progress=here.progress,
            stop=here.stop,
        )
