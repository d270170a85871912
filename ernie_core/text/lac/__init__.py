"""LAC's word segmentation, with the models of the PyPI package `lac` and our own implementation of the net; Paddle
and the code of the package are not imported."""

from typing import Final

from ernie_core.text.lac import documents, tagger
from ernie_core.text.lac.tagger import Model

__all__ = ["TOOLS", "Model", "documents", "tagger"]

TOOLS: Final[dict[str, Model]] = {"lac": "lac_model", "seg": "seg_model"}
"""Models by the names of segmenters in settings, as in PaddleNLP's word segmentation script."""
