"""LAC's word segmentation, with the models of the PyPI package `lac` and a net of our own; Paddle and the
package's own code are not imported."""

from typing import Final

from ernie_core.text.lac import documents, tagger
from ernie_core.text.lac.tagger import Model

__all__ = ["TOOLS", "Model", "documents", "tagger"]

TOOLS: Final[dict[str, Model]] = {"lac": "lac_model", "seg": "seg_model"}
"""What the models are called where a segmenter is chosen: as in PaddleNLP's word segmentation script."""
