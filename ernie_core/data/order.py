"""The endless order of samples of one split, and the mixing of several corpora by weight."""

import bisect
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ernie_core.data import index, samples
from ernie_core.data.ids import Corpus, fractions_of, split
from ernie_core.data.samples import Batch, Masking, Sample
from ernie_core.data.vocabulary import Vocabulary
from ernie_core.errors import BadInput

PARTS = ("train", "valid", "test")
_CHUNK = 1 << 16


@dataclass
class Order:
    """Sample number i of a corpus, for any i: epoch after epoch, each built with its own seed and shuffled in itself.

    PaddleNLP builds all epochs that `max_steps` needs and shuffles them together, so that every other `max_steps`
    gives another order. Here the past does not depend on how far a run will go, and only one epoch is in memory.
    """

    docs: np.ndarray
    lens: np.ndarray
    masking: Masking
    short_seq_prob: float
    place: str
    """For messages: which part of which folder."""
    starts: list[int] = field(default_factory=lambda: [0])
    """The first number of each epoch built so far, and the end of the last."""
    epoch: int = -1
    rows: np.ndarray = field(default_factory=lambda: np.empty((0, 3), "uint32"))

    def row(self, number: int) -> np.ndarray:
        """The row of the index map behind a number."""
        while number >= self.starts[-1]:
            self._build(len(self.starts) - 1)
            self.starts.append(self.starts[-1] + len(self.rows))
        epoch = bisect.bisect_right(self.starts, number) - 1
        if epoch != self.epoch:
            self._build(epoch)
        return self.rows[number - self.starts[epoch]]

    def _build(self, epoch: int) -> None:
        self.epoch, self.rows = (
            epoch,
            index.build(
                self.docs,
                self.lens,
                max_len=self.masking.max_seq_len - samples.SPECIALS,
                short_seq_prob=self.short_seq_prob,
                seed=derived(self.masking.seed, "epoch", epoch),
                min_num_sent=2 if self.masking.binary_head else 1,
                num_epochs=1,
            ),
        )
        if not len(self.rows):
            raise BadInput(f"{self.place}: not one sample: {_counts(self)}")


@dataclass
class Mixture:
    """Samples of one part of several corpora: number i is always the same sample."""

    corpora: Sequence[Corpus]
    orders: Sequence[Order]
    weights: np.ndarray
    words: Vocabulary
    masking: Masking
    chunk: int = -1
    """Which run of `_CHUNK` numbers is chosen in `chosen` and `numbers`; `taken` is the state behind it."""
    taken: np.ndarray = field(default_factory=lambda: np.empty(0, "int64"))
    chosen: np.ndarray = field(default_factory=lambda: np.empty(0, "uint8"))
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0, "int64"))

    def sample(self, number: int) -> Sample:
        """The sample with this number."""
        which, own = self._place(number)
        return samples.draw(self.corpora[which], self.words, self.masking, self.orders[which].row(own).tolist(), own)

    def batch(self, first: int, size: int) -> Batch:
        """The samples first:first+size side by side."""
        drawn = [self.sample(number) for number in range(first, first + size)]
        return samples.collate(drawn, self.words.pad, self.masking.max_seq_len)

    def _place(self, number: int) -> tuple[int, int]:
        if len(self.corpora) == 1:
            return 0, number
        wanted = number // _CHUNK
        if wanted < self.chunk or self.chunk < 0:
            self.chunk, self.taken = -1, np.zeros(len(self.corpora), "int64")
            self.chosen, self.numbers = np.empty(_CHUNK, "uint8"), np.empty(_CHUNK, "int64")
        while self.chunk < wanted:
            self.chunk += 1
            index.blend(self.weights, self.taken, self.chunk * _CHUNK, self.chosen, self.numbers)
        at = number % _CHUNK
        return int(self.chosen[at]), int(self.numbers[at])


def mixture(
    part: str,
    corpora: Sequence[Corpus],
    weights: Sequence[float],
    words: Vocabulary,
    masking: Masking,
    shares: str,
    short_seq_prob: float,
) -> Mixture:
    """The samples of `train`, `valid` or `test`; too little text for even one is an error that says why."""
    if not 0 < len(corpora) < 256 or min(weights) <= 0:
        raise BadInput(f"needs 1 to 255 corpora with weights above 0, not {len(corpora)} with {list(weights)}")
    orders = []
    for corpus in corpora:
        first, end = split(shares, len(corpus.docs) - 1)[PARTS.index(part)]
        place = f"{', '.join(map(str, corpus.folders))}: {part}"
        if end <= first:
            raise BadInput(
                f"{place}: no document: split {shares} of {len(corpus.docs) - 1} documents leaves it none;"
                " give more text, or a larger share to this part, or none to it"
            )
        orders.append(Order(corpus.docs[first : end + 1], corpus.lens, masking, short_seq_prob, place))
    total = np.array(weights, "float64")
    made = Mixture(corpora, orders, total / total.sum(), words, masking)
    for order in orders:
        order.row(0)
    return made


def requested(part: str, shares: str) -> bool:
    """Whether a split gives this part anything."""
    return fractions_of(shares)[PARTS.index(part)] > 0


def derived(seed: int, *what: str | int) -> int:
    """A 32-bit seed of its own for each purpose."""
    text = " ".join(map(str, (seed, *what)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def _counts(order: Order) -> str:
    sizes = np.diff(order.docs)
    first = int(order.docs[0])
    longs = order.lens[first : int(order.docs[-1])] > index.LONGEST
    owners = np.searchsorted(order.docs, np.flatnonzero(longs) + first, side="right") - 1
    spoiled = len(set(owners[sizes[owners] > 1].tolist()))
    alone = int((sizes == 1).sum())
    remedy = "split the text into sentences (a line each) and documents (an empty line between)"
    if order.masking.binary_head:
        remedy += ", or set binary_head: false, which needs no second sentence"
    return (
        f"{len(sizes)} documents, {alone} of them with one sentence, {spoiled} with a sentence of more than"
        f" {index.LONGEST} tokens; {remedy}"
    )
