"""The `adopt_vocab` step: a vocabulary that others made, with its ids."""

from typing import ClassVar

from components.base import Here, In, Out, Scores, Step
from components.kinds import Vocab, VocabFile
from components.scores import Score, several


class AdoptVocab(Step):
    """Take over a `vocab.txt` of PaddleNLP or Hugging Face: ids stay, repeated and empty lines are named and listed."""

    image = "text"
    scores: ClassVar[tuple[Score, ...]] = several("size extension never_yielded repeated empty_lines")

    def run(self, vocab_file: In[VocabFile], vocab: Out[Vocab], here: Here) -> Scores:
        from ernie_core.text import adopt

        return adopt.adopt(vocab_file, vocab)
