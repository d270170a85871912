"""The probe of an exported model: its outputs for fixed questions, computed here."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ernie_core.errors import Refused
from ernie_core.serve import manifest
from ernie_core.serve.manifest import Probe, Rows
from ernie_core.serve.predictor import Predictor, difference

EXACT = 1e-4
"""Largest difference between outputs of ONNX and Paddle, both in float."""


def probed(model: Predictor, source: Predictor, tolerance: float) -> Probe:
    """The probe of a model made from `source`; servers allow differences of at least `tolerance`.

    Another engine, or a processor on which int8 products saturate, may differ as much as quantisation does.
    """
    texts = tuple(model.task.probe())
    alone, wanted = (_asked(predictor, 1) for predictor in (model, source))
    together = _asked(model, len(alone))
    allowed = max(tolerance, 2 * difference(alone, wanted))
    return Probe(texts, _rows(alone), _rows(together), round(allowed, 6))


def check(model: Predictor, wanted: Predictor, what: str, tolerance: float = EXACT) -> None:
    """Refused if a model's outputs for the probe differ from those of its source by more than `tolerance`."""
    names = " and ".join(model.task.outputs)
    one, two = (_asked(predictor, 4) for predictor in (model, wanted))
    if (mine := _shapes(one)) != (theirs := _shapes(two)):
        raise Refused(f"{what}: {names} of shapes {mine}, the source has {theirs}")
    off = difference(one, two)
    if not off <= tolerance:
        allowed = f"at most {tolerance:g} is allowed"
        raise Refused(f"{what}: {names} are off by {off:.3g}, {allowed}: the export is not sound")


def _asked(predictor: Predictor, batch_size: int) -> list[np.ndarray]:
    """The outputs for every row of the probe's questions, as flat arrays."""
    return manifest.numbers(replace(predictor, batch_size=batch_size).outputs(predictor.task.probe()))


def _shapes(rows: Sequence[np.ndarray]) -> list[int]:
    return [len(row) for row in rows]


def _rows(rows: Sequence[np.ndarray]) -> Rows:
    return tuple(tuple(round(float(value), 6) for value in row) for row in rows)
