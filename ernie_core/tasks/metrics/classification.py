"""Figures of a classifier, from its logits."""

from collections import Counter
from collections.abc import Sequence

import numpy as np


def scores(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """`accuracy`, `macro_f1` and `loss` (mean cross entropy) of logits [N, K] for labels [N]."""
    predicted = logits.argmax(axis=1)
    return {
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": macro_f1(predicted, labels),
        "loss": float(losses(logits, labels).mean()),
    }


def losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The cross entropy of every row of logits [N, K] for its label, float64 [N]."""
    chosen = softmax(logits)[np.arange(len(labels)), labels]
    found: np.ndarray = -np.log(np.maximum(chosen, np.finfo(np.float64).tiny))
    return found


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross entropy of logits [N, K] for labels [N]; 0 for none."""
    return float(losses(logits, labels).mean()) if len(labels) else 0.0


def macro_f1(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean F1 of the labels that occur among the predicted or the true ones."""
    each = []
    for label in np.union1d(predicted, labels):
        hits = int(((predicted == label) & (labels == label)).sum())
        each.append(2 * hits / int((predicted == label).sum() + (labels == label).sum()))
    return float(np.mean(each))


def balanced(labels: Sequence[str], names: Sequence[str]) -> tuple[float, ...]:
    """A weight for each name, inverse to its frequency among the labels, with a mean of 1 over these: N / (K n), for N
    labels of K different names, of which n are of this one. 0 for a name that does not occur."""
    counts = Counter(labels)
    return tuple(len(labels) / (len(counts) * counts[name]) if counts[name] else 0.0 for name in names)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities [N, K] float64; the maximum is subtracted first, so large logits do not overflow."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    return powers / powers.sum(axis=1, keepdims=True)
