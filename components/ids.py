"""The `ids` step: words to token ids."""

from components.base import Here, In, Out, Scores, Step
from components.kinds import Ids as IdsKind
from components.kinds import Vocab, Words


class Ids(Step):
    """Turn words into token ids with whole-word marks, ready for pretraining."""

    image = "text"

    def run(self, words: In[Words], vocab: In[Vocab], ids: Out[IdsKind], here: Here) -> Scores:
        from ernie_core.text import ids as token_ids

        return token_ids.files(words, vocab, ids, workers=here.cpus, progress=here.progress, stop=here.stop)
