"""Figures of a classifier, by hand."""

import numpy as np
import pytest

from ernie_core.tasks.metrics import classification


def test_softmax_survives_large_logits() -> None:
    assert classification.softmax(np.array([[1e4, 0.0], [0.0, 0.0]])).tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_scores_of_a_classifier_worked_out_by_hand() -> None:
    logits = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    found = classification.scores(logits, np.array([0, 0, 1, 1]))
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert found["loss"] == pytest.approx(np.log(1 + np.exp([-2, -2, -2, 2])).mean())


def test_balanced_weights_are_inverse_to_frequency_with_a_mean_of_one() -> None:
    labels = ["a"] * 6 + ["b"] * 3
    weights = classification.balanced(labels, ("a", "b", "never"))
    assert weights == (0.75, 1.5, 0.0)
    assert np.mean([dict(zip("ab", weights, strict=False))[label] for label in labels]) == 1
