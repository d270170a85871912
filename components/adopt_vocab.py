"""The `adopt_vocab` step: a vocabulary that others made, with its ids."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from components.contract.around import Around
from components.contract.base import Here, In, Out, Scores, Step
from components.contract.kinds import Model, Vocab, VocabFile
from components.contract.scores import Score, several


class AdoptVocab(Step):
    """Import a `vocab.txt` of PaddleNLP or Hugging Face, for ERNIE-M with the SentencePiece model beside it, or take
    that of a model to continue its pretraining (`from:`); ids stay the same, repeated and empty lines are listed."""

    image = "text"
    main_scores: ClassVar[tuple[str, ...]] = ("size",)
    scores: ClassVar[tuple[Score, ...]] = (
        *several("size extension never_yielded repeated empty_lines"),
        Score("pieces", sure=False),
    )

    instead: ClassVar[Mapping[str, str]] = {"vocab_file": "model"}

    def misfits(self, around: Around) -> Iterator[str]:
        if around.reads.get("vocab_file") and around.reads.get("model"):
            yield "`from:` names a vocabulary and a model, whose vocabulary is it? leave one of them out"

    def run(self, vocab_file: In[VocabFile] | None, model: In[Model] | None, vocab: Out[Vocab], here: Here) -> Scores:
        from ernie_core.text.vocab import adopt

        source = vocab_file or model
        assert source is not None  # the spec was checked
        return adopt.adopt(source, vocab)
