"""The count of operations, against counts made by hand."""

import pytest

from ernie_core.model import config
from ernie_core.pretrain import flops


def test_a_tiny_model_counted_by_hand() -> None:
    """One layer of width 4 and inner width 16, 10 words; a sample of 3 positions, 2 of them masked."""
    tiny = config.shape("1L4H2", 10)
    projections = 4 * (3 * 4 * 4) * 2  # query, key, value, output: a [3, 4] times a [4, 4] each
    attention = 2 * (3 * 3 * 4) * 2  # scores, and the mix of the values
    feed_forward = 2 * (3 * 4 * 16) * 2
    head = (2 * 4 * 4) * 2 + (2 * 4 * 10) * 2
    order = (4 * 4) * 2 + (4 * 2) * 2
    forward = projections + attention + feed_forward + head + order
    assert forward == 384 + 144 + 768 + 224 + 48
    assert flops.of_sample(tiny, 3, 2) == 3 * forward
    assert flops.of_sample(tiny, 3, 2, binary_head=False) == 3 * (forward - order)
    assert flops.of_token(tiny, 3, 2 / 3) == pytest.approx(3 * forward / 3)


def test_a_long_known_rule_of_thumb_holds_for_a_big_model() -> None:
    """Six operations a token for every weight of the layers, if attention and head are small beside them."""
    large = config.shape("large", 100)
    weights = 24 * (4 * 1024**2 + 2 * 1024 * 3072)
    assert flops.of_token(large, 16, 0.15) == pytest.approx(6 * weights, rel=0.01)
