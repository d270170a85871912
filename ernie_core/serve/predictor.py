"""A predictor: texts in, labels and their probabilities out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.serve import engines, manifest
from ernie_core.serve.engines import Engine
from ernie_core.serve.manifest import Probe, Serving
from ernie_core.tasks import batches, data
from ernie_core.tasks.metrics import classification
from ernie_core.text.tokenizer import Tokenizer

Texts = Sequence[str | tuple[str, str]]


@dataclass(frozen=True)
class Prediction:
    """The most probable label, and the probability of every label in the order of `labels.txt`."""

    label: str
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Predictor:
    """An open model; `open` makes one."""

    serving: Serving
    labels: tuple[str, ...]
    cutter: Tokenizer
    engine: Engine
    batch_size: int = 32

    @classmethod
    def open(cls, folder: Path, *, engine: str = "auto", threads: int = 1, batch_size: int = 32) -> "Predictor":
        """Open an exported model or a package, and check it against its probe. BadInput if its logits differ."""
        if batch_size < 1:
            raise BadInput(f"batch_size is {batch_size}, it must be at least 1")
        serving, labels = manifest.read(folder), data.label_names(folder)
        cutter = Tokenizer.from_folder(folder)
        loaded = engines.load(folder / manifest.MODEL, engine, serving.engines, threads)
        predictor = cls(serving, labels, cutter, loaded, batch_size)
        predictor.check(folder)
        return predictor

    def predict(self, texts: Texts) -> list[Prediction]:
        """A prediction for every text or pair, in their order."""
        rows = classification.softmax(self.logits(texts)) if texts else ()
        return [
            Prediction(self.labels[int(row.argmax())], dict(zip(self.labels, map(float, row), strict=True)))
            for row in rows
        ]

    def logits(self, texts: Texts) -> np.ndarray:
        """Logits [N, K] of at least one text."""
        return forward(self.engine, self.cutter, self.serving, texts, self.batch_size)

    def check(self, folder: Path) -> None:
        """Ask the probe alone, in a batch, alone again: some engines go wrong only when the batch size changes."""
        probe = self.serving.probe
        whole = len(probe.texts)
        for size, wanted in ((1, probe.logits), (whole, probe.logits_together), (1, probe.logits)):
            found = forward(self.engine, self.cutter, self.serving, probe.texts, size)
            _compare(found, np.array(wanted), probe, f"{folder}: at batch size {size}")
        if found.shape[1] != len(self.labels):
            raise BadInput(f"{folder}: {found.shape[1]} logits for {len(self.labels)} labels: pull or make it again")


def forward(engine: Engine, cutter: Tokenizer, serving: Serving, texts: Texts, batch_size: int) -> np.ndarray:
    """Logits [N, K] of at least one text or pair."""
    rows = [_ids(cutter, text, serving) for text in texts]
    ids, types = [row[0] for row in rows], [row[1] for row in rows]
    return batches.forward(engine, ids, types, pad_id=cutter.pad_id, batch_size=batch_size)


def _ids(cutter: Tokenizer, text: str | tuple[str, str], serving: Serving) -> tuple[list[int], list[int]]:
    if isinstance(text, str) == serving.text_pair:
        wants = "pairs of texts" if serving.text_pair else "single texts"
        raise BadInput(f"this model was trained on {wants}, not on {text!r}")
    first, second = (text, None) if isinstance(text, str) else text
    return data.pair_ids(cutter, first, second, serving.max_seq_len)


def _compare(found: np.ndarray, wanted: np.ndarray, probe: Probe, place: str) -> None:
    off = float(np.abs(found - wanted).max()) if found.shape == wanted.shape else float("inf")
    if not off <= probe.tolerance:
        raise BadInput(
            f"{place} the probe's logits are off by {off:.3g}, at most {probe.tolerance:g} is allowed: "
            "the model is damaged, or this engine computes it wrongly; pull it again, or choose another engine"
        )
