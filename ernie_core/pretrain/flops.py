"""Floating-point operations that pretraining needs, counted by hand from the shape of the model.

Only products of matrices count, a multiply-add is two operations, and the backward pass costs twice the forward. For a
sample of L positions of which M are masked, a model of N layers, width H, inner width I, and V words, forward:

    N * (8 L H^2  +  4 L^2 H  +  4 L H I)    projections, scores and mix, feed-forward
    + M * (2 H^2  +  2 H V)                  the head, at masked positions only
    + 2 H^2 + 4 H                            pooler and order head

Recomputation to save memory is not counted: these are operations of the model, not of the machine. Padding is counted,
as in the rate of tokens.
"""

from ernie_core.model.config import ErnieConfig

FORWARD_AND_BACK = 3


def of_sample(config: ErnieConfig, length: int, masked: float, *, binary_head: bool = True) -> float:
    """Operations to train on one sample of `length` positions, `masked` of them to be predicted."""
    width, inner = config.hidden_size, config.intermediate_size
    layer = 8 * length * width**2 + 4 * length**2 * width + 4 * length * width * inner
    head = masked * (2 * width**2 + 2 * width * config.vocab_size)
    order = 2 * width**2 + 4 * width if binary_head else 0  # the pooler has no use without the order head
    return FORWARD_AND_BACK * (config.num_hidden_layers * layer + head + order)


def of_token(config: ErnieConfig, length: int, masked_lm_prob: float, *, binary_head: bool = True) -> float:
    """Operations per position, for samples of which the share `masked_lm_prob` is masked."""
    return of_sample(config, length, masked_lm_prob * length, binary_head=binary_head) / length
