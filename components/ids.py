"""The `ids` step: words to token ids."""

from typing import Literal

from components.base import Here, In, Out, Scores, Step
from components.kinds import Ids as IdsKind
from components.kinds import Vocab, Words


class Ids(Step):
    """Turn words into token ids with whole-word marks, ready for pretraining."""

    image = "text"

    marking: Literal["positional", "paddlenlp"] = "positional"
    """Which characters count as the rest of a word: those that stand in one, or, as in PaddleNLP's script, wherever
    the characters of any word of the sentence stand in a row."""

    data_impl: Literal["npy", "mmap"] = "npy"
    """Files: `_ids.npy` with `_idx.npz`, or PaddleNLP's `.bin` with `.idx`."""

    def run(self, words: In[Words], vocab: In[Vocab], ids: Out[IdsKind], here: Here) -> Scores:
        from ernie_core.text import ids as token_ids

        return token_ids.files(
            words,
            vocab,
            ids,
            marking=self.marking,
            data_impl=self.data_impl,
            workers=here.cpus,
            progress=here.progress,
            stop=here.stop,
        )
