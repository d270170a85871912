"""The `ids` step: words to token ids."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from components.contract.around import Around
from components.contract.base import Files, Here, In, Out, Scores, Step
from components.contract.kinds import Ids as IdsKind
from components.contract.kinds import Vocab, Words
from components.contract.scores import Score, several, share

if TYPE_CHECKING:
    from ernie_core.text.pieces import Piece


class Ids(Step):
    """Turn words into token ids with whole-word marks, ready for pretraining."""

    image = "text"
    revision: ClassVar[int] = 2
    main_scores: ClassVar[tuple[str, ...]] = ("documents", "tokens", "unk_rate")
    scores: ClassVar[tuple[Score, ...]] = (
        *several("documents dropped_documents single_sentence_documents sentences dropped_sentences long_sentences"),
        *several("tokens unk"),
        share("unk_rate"),
        *several("lone_surrogates invalid", sure=False),
    )

    marking: Literal["positional", "paddlenlp"] = "positional"
    """Rule for whole-word marks. `positional`: characters where they continue a word; `paddlenlp`: as in PaddleNLP's
    script, wherever the characters of any word of the sentence stand in a row. SentencePiece needs none of them."""

    data_impl: Literal["npy", "mmap"] = "npy"
    """File format: `npy` writes `_ids.npy` with `_idx.npz`, `mmap` writes PaddleNLP's `.bin` with `.idx`."""

    def misfits(self, around: Around) -> Iterator[str]:
        for made in around.reads.get("vocab", ()):
            if self.marking == "paddlenlp" and getattr(made.step, "recipe", "") == "sentencepiece":
                yield f"marking paddlenlp: `{made.name}` is a vocabulary of SentencePiece, leave marking out"

    def pieces(self, words: Files[Words]) -> "Sequence[Piece]":
        from ernie_core.text.ids import build as token_ids

        return token_ids.pieces(words)

    def run(self, words: Files[Words], vocab: In[Vocab], ids: Out[IdsKind], here: Here) -> Scores:
        from ernie_core.text.ids import build as token_ids

        assert here.piece
        return token_ids.piece(
            words,
            here.piece.work,
            here.piece.number,
            vocab,
            ids,
            marking=self.marking,
            data_impl=self.data_impl,
            progress=here.progress,
            stop=here.stop,
        )

    def join(self, made: Sequence[Path], vocab: In[Vocab], ids: Out[IdsKind], **_: object) -> Scores:
        from ernie_core.text.ids import build as token_ids

        return token_ids.join(made, vocab, ids)
