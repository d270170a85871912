"""R-Drop: two passes with other dropout must give close answers.

Liang et al., 2021, "R-Drop: Regularized Dropout for Neural Networks": the loss of both passes, and the mean of the two
Kullback-Leibler divergences between their answers.
"""

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F

Distributions = Sequence[tuple[paddle.Tensor, paddle.Tensor | None]]
"""See `Task.distributions`."""


def divergence(one: Distributions, two: Distributions) -> paddle.Tensor:
    """Mean of KL(p, q) and KL(q, p), over the distributions that count, then over the outputs; float32 []."""
    means = [_mean(_both(p, q), counts) for (p, counts), (q, _) in zip(one, two, strict=True)]
    return paddle.add_n(means) / len(means)


def _both(p: paddle.Tensor, q: paddle.Tensor) -> paddle.Tensor:
    """(KL(p, q) + KL(q, p)) / 2 of logits [..., K], which is the sum of (p - q) (log p - log q) / 2: [...]."""
    log_p, log_q = (F.log_softmax(logits.astype("float32"), axis=-1) for logits in (p, q))
    return 0.5 * ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(axis=-1)


def _mean(each: paddle.Tensor, counts: paddle.Tensor | None) -> paddle.Tensor:
    if counts is None:
        return each.mean()
    shares = counts.astype("float32")
    return (each * shares).sum() / shares.sum().clip(min=1.0)
