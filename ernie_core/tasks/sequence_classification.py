"""One label for a text, or for a pair of texts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.tasks import features, task
from ernie_core.tasks.features import Features
from ernie_core.tasks.metrics import classification as metrics
from ernie_core.tasks.readers import classification as reader
from ernie_core.tasks.readers.classification import LabelledText
from ernie_core.tasks.task import Outputs, Prediction, Task
from ernie_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import paddle

    from ernie_core.model.config import ErnieConfig
    from ernie_core.tasks.recipe import FinetuneRecipe

Text = str | tuple[str, str]

SENTENCES = (
    "房间很干净，服务员也热情。",
    "不好！",
    "The room was quiet, 早餐种类不多但味道可以，离地铁站走路5分钟，下次还会再来。",
    "",
)
"""Texts of several lengths, one of them empty."""

SUBMITTED = {
    f"clue/{name}": f"{file}_predict.json"
    for name, file in (
        ("afqmc", "afqmc"), ("cluewsc2020", "cluewsc11"), ("cmnli", "cmnli"), ("csl", "csl"), ("iflytek", "iflytek"),
        ("ocnli", "ocnli_50k"), ("tnews", "tnews11"),
    )
}  # fmt: skip
"""Names of the files in which CLUE takes predictions."""


@dataclass(frozen=True)
class LabelPrediction(Prediction):
    """The most probable label, and the probability of every label in the order of `labels.txt`."""

    label: str
    scores: Mapping[str, float]

    @property
    def confidence(self) -> float:
        return self.scores[self.label]

    def row(self) -> Mapping[str, Any]:
        return {"predicted": self.label, "scores": {name: round(score, 6) for name, score in self.scores.items()}}

    def text(self) -> str:
        probable = ", ".join(f"{label} prob: {score:.4f}" for label, score in self.scores.items())
        return f"label: {self.label}, {probable}"


@dataclass(frozen=True)
class SequenceClassification(Task[Text, LabelPrediction]):
    """Cross entropy over the label names of `labels.txt`."""

    name: ClassVar[str] = "sequence_classification"

    max_seq_len: int
    labels: tuple[str, ...]
    text_pair: bool
    weights: tuple[float, ...] = ()
    """Weight of each label in the loss of training; empty: all are 1."""

    @classmethod
    def of_data(cls, folder: Path, settings: "FinetuneRecipe") -> "SequenceClassification":
        names = reader.label_names(folder)
        weights: tuple[float, ...] = ()
        if settings.class_weight == "balanced":
            train = reader.examples(folder, "train", names)
            weights = metrics.balanced([names[example.label or 0] for example in train], names)
        pair = reader.are_pairs({split: reader.begins_with_pair(folder, split) for split in task.splits(folder)})
        return cls(settings.max_seq_len, names, pair, weights)

    @classmethod
    def opened(cls, folder: Path, said: Mapping[str, Any]) -> "SequenceClassification":
        return cls(int(said["max_seq_len"]), reader.label_names(folder), bool(said["text_pair"]))

    def facts(self) -> dict[str, Any]:
        return {"text_pair": self.text_pair}

    def learned(self) -> dict[str, Any]:
        return {"labels": list(self.labels), **self.facts()}

    def copy_to(self, folder: Path) -> None:
        reader.write_names(folder / reader.LABELS, self.labels)

    def differs(self, folder: Path) -> str:
        return reader.difference(reader.label_names(folder), self.labels)

    def read(self, folder: Path, split: str) -> Sequence[LabelledText]:
        return reader.examples(folder, split, self.labels)

    def encode(self, questions: Sequence[Text], tokenizer: Tokenizer) -> Features:
        for question in questions:
            texts = 1 if isinstance(question, str) else len(question)
            if texts != 1 + self.text_pair:
                wants = "pairs of texts" if self.text_pair else "single texts"
                raise BadInput(f"this model was trained on {wants}, not on {question!r}")
        return features.encode(questions, tokenizer, self.max_seq_len)

    def truth(self, example: LabelledText) -> Mapping[str, Any]:
        return {} if example.label is None else {"label": self.labels[example.label]}

    def pairs(self, prediction: LabelPrediction, example: LabelledText) -> Sequence[tuple[str, str]]:
        return ((self.truth(example)["label"], prediction.label),)

    def targets(self, examples: Sequence[LabelledText], features: Features) -> np.ndarray:
        return np.fromiter((example.label for example in examples), np.int64, len(examples))

    def net(self, config: "ErnieConfig") -> "paddle.nn.Layer":
        from dataclasses import replace

        from ernie_core.model.heads import ErnieForSequenceClassification

        return ErnieForSequenceClassification(replace(config, num_labels=len(self.labels)))

    def loss(self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray) -> "paddle.Tensor":
        import paddle

        if not self.weights:
            return paddle.nn.functional.cross_entropy(outputs[0], paddle.to_tensor(targets))
        each = paddle.nn.functional.cross_entropy(outputs[0], paddle.to_tensor(targets), reduction="none")
        # divided by the number of examples, not by their weights: so micro batches add up to the loss of the batch
        return (each.flatten() * paddle.to_tensor(np.asarray(self.weights, np.float32)[targets])).mean()

    def decode(self, outputs: Outputs, features: Features) -> list[LabelPrediction]:
        return [
            LabelPrediction(self.labels[int(row.argmax())], dict(zip(self.labels, map(float, row), strict=True)))
            for row in (metrics.softmax(_logits(outputs)) if outputs else ())
        ]

    def misfit(self, outputs: Outputs) -> str:
        if problem := super().misfit(outputs):
            return problem
        count = outputs[0][0].size
        return "" if count == len(self.labels) else f"{count} logits for {len(self.labels)} labels"

    def scores(self, outputs: Outputs, examples: Sequence[LabelledText], features: Features) -> dict[str, float]:
        return metrics.scores(_logits(outputs), self.targets(examples, features))

    def submission(
        self, predictions: Sequence[LabelPrediction], examples: Sequence[LabelledText], dataset: str
    ) -> Mapping[str, str]:
        """Of several languages a TSV of ids and labels for each, `ar.tsv`. For the data sets of CLUE JSON lines
        `{"id", "label"}` with the rows' own ids, under CLUE's name; those of tnews and cluewsc2020 are called after
        version 1.1 of their test."""
        if any(example.language for example in examples):
            parts: dict[str, list[str]] = {}
            for example, prediction in zip(examples, predictions, strict=True):
                parts.setdefault(example.language or "other", []).append(f"{example.id}\t{prediction.label}\n")
            return {f"{language}.tsv": "".join(lines) for language, lines in parts.items()}
        if dataset not in SUBMITTED:
            return {}
        rows = (
            {"id": int(example.id) if example.id.isdecimal() else example.id, "label": prediction.label}
            for example, prediction in zip(examples, predictions, strict=True)
        )
        return {SUBMITTED[dataset]: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)}

    def losses(self, outputs: Outputs, examples: Sequence[LabelledText], features: Features) -> np.ndarray:
        return metrics.losses(_logits(outputs), self.targets(examples, features))

    def listed(self, predictions: Sequence[LabelPrediction]) -> Mapping[str, Sequence[Any]]:
        """The two keys of the published script for XNLI: ids of labels, and their probabilities."""
        ids = {name: number for number, name in enumerate(self.labels)}
        return {
            "label": [ids[prediction.label] for prediction in predictions],
            "confidence": [round(prediction.confidence, 6) for prediction in predictions],
        }

    def figures(self, prediction: LabelPrediction) -> Mapping[str, float]:
        """1 for the predicted label and 0 for the others, whose means are shares."""
        return {f"share_{name}": float(name == prediction.label) for name in self.labels}

    @property
    def usage(self) -> str:
        return "$'text\\ttext'" if self.text_pair else "'text'"

    def question(self, where: str, line: str) -> Text:
        """The question in a line; the texts of a pair are separated by a tab."""
        if not self.text_pair:
            return line
        first, tab, second = line.partition("\t")
        if not tab:
            raise BadInput(f"{where}: this model was trained on pairs, separate the two texts by a tab")
        return first, second

    def asked(self, question: Text) -> Mapping[str, Any]:
        return {"text": question} if isinstance(question, str) else {"text": question[0], "text_pair": question[1]}

    def shown(self, question: Text) -> str:
        if isinstance(question, str):
            return f"sentence: {question}"
        return f"sentence1: {question[0]}, sentence2: {question[1]}"

    def probe(self) -> Sequence[Text]:
        return tuple((text, SENTENCES[0]) for text in SENTENCES) if self.text_pair else SENTENCES


def _logits(outputs: Outputs) -> np.ndarray:
    """The logits [N, K]."""
    return np.stack([row[0] for row in outputs])
