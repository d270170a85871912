"""The `adopt_vocab` step: a vocabulary that others made, with its ids."""

from typing import ClassVar

from components.contract.base import Here, In, Out, Scores, Step
from components.contract.kinds import Vocab, VocabFile
from components.contract.scores import Score, several


class AdoptVocab(Step):
    """Import a `vocab.txt` of PaddleNLP or Hugging Face, for ERNIE-M with the SentencePiece model beside it; ids
    stay the same, repeated and empty lines are listed."""

    image = "text"
    main_scores: ClassVar[tuple[str, ...]] = ("size",)
    scores: ClassVar[tuple[Score, ...]] = (
        *several("size extension never_yielded repeated empty_lines"),
        Score("pieces", sure=False),
    )

    def run(self, vocab_file: In[VocabFile], vocab: Out[Vocab], here: Here) -> Scores:
        from ernie_core.text.vocab import adopt

        return adopt.adopt(vocab_file, vocab)
