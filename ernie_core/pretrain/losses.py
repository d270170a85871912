"""Losses of a batch, and their means over a part of the data."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import paddle
import paddle.nn.functional as F

from ernie_core.data.order import Mixture
from ernie_core.data.samples import Batch
from ernie_core.errors import Stopped
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.progress import Stop, never
from ernie_core.train.feed import Feed
from ernie_core.train.parallel.team import ALONE, Team


@dataclass(frozen=True)
class PretrainLosses:
    """Means over the masked tokens and over the samples of a batch; without masked tokens the first is 0."""

    lm: paddle.Tensor
    sop: paddle.Tensor | None
    predicted: int
    """Number of masked tokens predicted correctly."""
    masked: int

    @property
    def total(self) -> paddle.Tensor:
        """The loss to minimise."""
        return self.lm if self.sop is None else self.lm + self.sop

    def floats(self) -> tuple[float, float, float]:
        """Total, masked-token loss, order loss."""
        return float(self.total), float(self.lm), 0.0 if self.sop is None else float(self.sop)


def losses(net: ErnieForPretraining, batch: Batch, *, count: bool = False) -> PretrainLosses:
    """Run the net on a batch; `count` also counts the masked tokens that it predicts."""
    masked = len(batch.labels)
    # gather takes no empty index: a batch without masked tokens uses one row, which does not count in the loss
    positions = paddle.to_tensor(batch.positions if masked else batch.positions.dtype.type([0]))
    types = paddle.to_tensor(batch.types) if net.config.type_vocab_size else None
    scores, order = net(paddle.to_tensor(batch.ids), types, masked_positions=positions)
    labels = paddle.to_tensor(batch.labels) if masked else None
    lm = F.cross_entropy(scores, labels) if masked else scores.sum() * 0.0
    predicted = int((scores.argmax(-1) == labels).sum()) if count and masked else 0
    sop = None if order is None else F.cross_entropy(order, paddle.to_tensor(batch.order))
    return PretrainLosses(lm, sop, predicted, masked)


def evaluate(
    net: ErnieForPretraining,
    data: Mixture,
    first: int,
    batches: int,
    size: int,
    stop: Stop = never,
    team: Team = ALONE,
    context: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> dict[str, float]:
    """Mean losses over batches of the samples from `first` on, and the share of masked tokens predicted.

    The ranks take the batches in turn, so the samples are the same for any number of ranks.
    """
    net.eval()
    sums = np.zeros(5)
    firsts = range(first + team.rank * size, first + batches * size, team.world * size)
    with paddle.no_grad(), Feed(lambda number: data.batch(number, size), firsts) as feed:
        for _ in firsts:
            if team.any(stop()):
                raise Stopped("stopped during the last evaluation; the checkpoint of the last step is committed")
            with context():
                batch = losses(net, feed.next(), count=True)
            sums += [*batch.floats(), batch.predicted, batch.masked]
    net.train()
    total, lm, sop, predicted, masked = team.sum(sums).tolist()
    scores = {"loss": total / batches, "lm_loss": lm / batches}
    if net.cls.binary_head:
        scores["sop_loss"] = sop / batches
    return scores | {"lm_accuracy": predicted / max(1, masked)}
