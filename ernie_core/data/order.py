"""The infinite order of samples of one part of several corpora: sample i is always the same, for any i."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ernie_core.data import index, mixing, samples
from ernie_core.data.cache import Cache
from ernie_core.data.ids import Corpus
from ernie_core.data.index import Setting
from ernie_core.data.maps import Epoch, Maps
from ernie_core.data.mixing import Mixing
from ernie_core.data.samples import Batch, Masking, Sample
from ernie_core.data.shares import PARTS, lacking, split
from ernie_core.data.vocabulary import Vocabulary
from ernie_core.errors import BadInput

ORDERS = ("epochs", "paddlenlp")
_AHEAD = 1 << 17


@dataclass
class Order:
    """Sample i of a corpus, for any i: epoch after epoch, each built and shuffled with its own seed.

    PaddleNLP builds all epochs that `max_steps` needs and shuffles them together, so that another `max_steps` gives
    another order. Here earlier samples do not depend on the length of a run, and only one epoch is in memory.
    PaddleNLP's order is available for comparisons: one map for all `limit` samples.
    """

    maps: Maps
    limit: int | None = None
    """Total number of samples, for PaddleNLP's order; None: order by epochs."""
    epoch: Epoch | None = None

    def row(self, number: int) -> np.ndarray:
        """The row of the index map of sample `number`."""
        epoch = self.holding(number)
        return epoch.rows[number - epoch.start]

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """The rows of ascending sample numbers, [n, 3]."""
        pieces = []
        while len(numbers):
            epoch = self.holding(int(numbers[0]))
            here = int(np.searchsorted(numbers, epoch.start + len(epoch.rows)))
            pieces.append(epoch.rows[numbers[:here] - epoch.start])
            numbers = numbers[here:]
        return np.concatenate(pieces)

    def holding(self, number: int) -> Epoch:
        """The epoch with this number."""
        epoch = self.epoch
        if epoch is None or not 0 <= number - epoch.start < len(epoch.rows):
            epoch = self.epoch = self.maps.holding(number if self.limit is None else 0)
        if number - epoch.start >= len(epoch.rows):
            raise BadInput(
                f"sample {number} of an order made for {self.limit} samples: with index_order `paddlenlp` the map"
                " has only the samples of max_steps; raise max_steps, or use index_order `epochs`, which has no end"
            )
        return epoch

    def make(self, first: int, end: int) -> None:
        """Make the maps of the samples first:end in the cache, if this process builds maps for others."""
        if not self.maps.makes():
            return
        epoch = self.maps.holding(first if self.limit is None else 0)
        while self.limit is None and (border := epoch.start + len(epoch.rows)) < end:
            epoch = self.maps.holding(border)


@dataclass
class Mixture:
    """Samples of one part of several corpora: sample i is always the same."""

    corpora: Sequence[Corpus]
    orders: Sequence[Order]
    mixing: Mixing
    words: Vocabulary
    masking: Masking
    made: tuple[int, int] = (0, 0)
    """Range of samples whose maps are in the cache."""

    def sample(self, number: int) -> Sample:
        """The sample with this number."""
        which, rows, own = self.rows(number, 1)
        corpus = self.corpora[int(which[0])]
        return samples.draw(corpus, self.words, self.masking, rows[0].tolist(), int(own[0]))

    def batch(self, first: int, size: int) -> Batch:
        """The samples first:first+size as one batch."""
        return samples.mixed(self.corpora, self.words, self.masking, *self.rows(first, size))

    def rows(self, first: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the samples first:first+size: the corpus, the row of its map [3], and the number in that corpus."""
        self._make(first, first + size)
        which, numbers = self.mixing.places(first, size)
        rows = np.empty((size, 3), "int64")
        for corpus in np.unique(which):
            mine = which == corpus
            rows[mine] = self.orders[corpus].rows(numbers[mine])
        return which, rows, numbers

    def prepare(self, first: int) -> None:
        """Load the maps of the samples from `first` on: rank 0 builds missing ones, others wait for it.

        Otherwise this happens when the samples are drawn. Call it where no process is in a collective call.
        """
        self._make(first, first + 1)
        for order, number in zip(self.orders, self.mixing.upcoming(first), strict=True):
            order.holding(number)

    def forget(self, first: int) -> None:
        """Remove from the cache the maps of epochs before the one that sample `first` needs, except the last of them.

        On NFS only if no other run shares the cache: a process that still has such a map open would be killed.
        """
        for order, number in zip(self.orders, self.mixing.upcoming(first), strict=True):
            order.maps.forget(order.maps.number(number) - 1)

    def _make(self, first: int, end: int) -> None:
        """Build maps before they are needed: other ranks draw other parts of a step, and may need one earlier.

        They would wait for this rank, and this rank for them at the end of the step. At least half of `_AHEAD` samples
        are covered in advance: ranks, with their batches drawn ahead, must not be further apart.
        """
        if self.made[0] <= first and end + _AHEAD // 2 <= self.made[1]:
            return
        for order, number in zip(self.orders, self.mixing.upcoming(first), strict=True):
            order.make(number, number + end - first + _AHEAD)
        self.made = (first, end + _AHEAD)


def mixture(
    part: str,
    corpora: Sequence[Corpus],
    weights: Sequence[float],
    words: Vocabulary,
    masking: Masking,
    shares: str,
    short_seq_prob: float,
    *,
    cache: Cache | None = None,
    index_order: str = "epochs",
    limit: int | None = None,
) -> Mixture:
    """The samples of `train`, `valid` or `test`. BadInput, with the reason, if there is not one sample.

    `cache` keeps index maps and marks of the mixing. `limit`, the total number of samples, is for
    `index_order="paddlenlp"` alone.
    """
    if not 0 < len(corpora) < 256 or min(weights) <= 0:
        raise BadInput(f"needs 1 to 255 corpora with weights above 0, not {len(corpora)} with {list(weights)}")
    if index_order not in ORDERS or (index_order == "paddlenlp") != (limit is not None):
        raise BadInput(f"index_order `{index_order}` with limit {limit}: choose `epochs`, or `paddlenlp` with a limit")
    orders = []
    for corpus, share in zip(corpora, mixing.normalised(weights), strict=True):
        # Half a percent more, as in PaddleNLP: the mixing does not match the weights exactly.
        asked = limit if limit is None or len(corpora) == 1 else math.ceil(limit * share * 1.005)
        order = Order(_maps(part, corpus, masking, shares, short_seq_prob, cache, asked), asked)
        if not order.maps.has_samples():
            raise BadInput(f"{_place(part, corpus)}: not one sample: {_counts(order.maps, masking)}")
        orders.append(order)
    return Mixture(corpora, orders, Mixing(mixing.shares(weights), cache), words, masking)


def derived(seed: int, *what: str | int) -> int:
    """A separate 32-bit seed for each purpose."""
    text = " ".join(map(str, (seed, *what)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def _maps(
    part: str, corpus: Corpus, masking: Masking, shares: str, short: float, cache: Cache | None, asked: int | None
) -> Maps:
    first, end = split(shares, len(corpus.docs) - 1)[PARTS.index(part)]
    if end <= first:
        documents = len(corpus.docs) - 1
        raise BadInput(f"{_place(part, corpus)}: no document: {lacking([part], shares, f'{documents} documents')}")
    max_len, least, seed = masking.max_seq_len - samples.SPECIALS, 2 if masking.binary_head else 1, masking.seed
    data = corpus.fingerprint() if cache else ""
    if asked is not None:
        setting = Setting(max_len, short, seed, least, max_num_samples=asked)
        return Maps(corpus.docs, corpus.lens, first, end, setting, lambda _: seed, data, cache)
    setting = Setting(max_len, short, seed, least, num_epochs=1)
    return Maps(corpus.docs, corpus.lens, first, end, setting, lambda e: derived(seed, "epoch", e), data, cache)


def _place(part: str, corpus: Corpus) -> str:
    return f"{', '.join(map(str, corpus.folders))}: {part}"


def _counts(maps: Maps, masking: Masking) -> str:
    docs = maps.docs[maps.first : maps.end + 1]
    sizes, first = np.diff(docs), int(docs[0])
    longs = maps.lens[first : int(docs[-1])] > index.LONGEST
    owners = np.searchsorted(docs, np.flatnonzero(longs) + first, side="right") - 1
    spoiled = len(np.unique(owners[sizes[owners] > 1]))
    remedy = "split the text into sentences (a line each) and documents (an empty line between)"
    if masking.binary_head:
        remedy += ", or set binary_head: false, which needs no second sentence"
    return (
        f"{len(sizes)} documents, {int((sizes == 1).sum())} of them with one sentence, {spoiled} with a sentence of"
        f" more than {index.LONGEST} tokens; {remedy}"
    )
