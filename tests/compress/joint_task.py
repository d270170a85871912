"""A task unlike classification: several rows a question, two outputs of different shapes, one for each token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import paddle
import tiny_task

from ernie_core.model import config, weights
from ernie_core.model.ernie import ErnieModel
from ernie_core.tasks import features
from ernie_core.tasks.features import Features
from ernie_core.tasks.known import Known
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.task import Outputs, Prediction, Row, Task
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Rows(Features):
    """A row for each part of a question, with the number of the question."""

    owners: np.ndarray


@dataclass(frozen=True)
class Answer(Prediction):
    """An intent for a question, and a slot for every token of its rows."""

    intent: int
    slots: list[int]

    @property
    def confidence(self) -> float:
        return 1.0

    def row(self) -> Mapping[str, Any]:
        return {"predicted": [self.intent, self.slots]}

    def text(self) -> str:
        return f"intent: {self.intent}, slots: {self.slots}"


@dataclass(frozen=True)
class Example:
    """A question whose true answer is an intent."""

    id: str
    question: str
    intent: int
    labelled: bool = True


class Net(paddle.nn.Layer):
    """Logits of 2 intents for a row, of 3 slots for each of its tokens."""

    architecture = "Joint"

    def __init__(self, shape: config.ErnieConfig) -> None:
        super().__init__()
        self.config, self.ernie = shape, ErnieModel(shape)
        self.intents, self.slots = paddle.nn.Linear(shape.hidden_size, 2), paddle.nn.Linear(shape.hidden_size, 3)

    def forward(self, input_ids: paddle.Tensor, token_type_ids: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        hidden, pooled = self.ernie(input_ids, token_type_ids)
        return self.intents(pooled), self.slots(hidden)


@dataclass(frozen=True)
class Joint(Task[str, Answer]):
    """The parts of a question have commas between them."""

    name: ClassVar[str] = "joint"
    outputs: ClassVar[tuple[str, ...]] = ("intents", "slots")

    max_seq_len: int

    @property
    def known(self) -> Known:
        return Known("intent_accuracy", ("intent_accuracy",))

    @classmethod
    def of_data(cls, folder: Path, settings: FinetuneRecipe) -> "Joint":
        return cls(settings.max_seq_len)

    @classmethod
    def opened(cls, folder: Path, said: Mapping[str, Any]) -> "Joint":
        return cls(int(said["max_seq_len"]))

    def facts(self) -> dict[str, Any]:
        return {}

    def copy_to(self, folder: Path) -> None:
        pass

    def differs(self, folder: Path) -> str:
        return ""

    def read(self, folder: Path, split: str) -> Sequence[Example]:
        texts = ("好，坏，天地", "你我他山水", "火，风", "坏人", "好") * 3
        return [Example(f"{split}-{n}", text, n % 2) for n, text in enumerate(texts)]

    def encode(self, questions: Sequence[str], tokenizer: Tokenizer) -> Rows:
        parts = [(part, n) for n, question in enumerate(questions) for part in question.split("，")]
        rows = features.encode([part for part, _ in parts], tokenizer, self.max_seq_len)
        return Rows(rows.input_ids, rows.token_type_ids, np.array([n for _, n in parts], np.int64))

    def truth(self, example: Example) -> Mapping[str, Any]:
        return {"intent": example.intent}

    def targets(self, examples: Sequence[Example], features: Features) -> np.ndarray:
        assert isinstance(features, Rows)
        return np.array([examples[n].intent for n in features.owners])

    def net(self, config: config.ErnieConfig) -> Net:
        return Net(config)

    def loss(self, outputs: Sequence[paddle.Tensor], targets: np.ndarray) -> paddle.Tensor:
        return paddle.nn.functional.cross_entropy(outputs[0], paddle.to_tensor(targets))

    def rows(self, outputs: Sequence[np.ndarray], lengths: np.ndarray) -> list[Row]:
        intents, slots = outputs
        return [(one, other[:length]) for one, other, length in zip(intents, slots, lengths, strict=True)]

    def decode(self, outputs: Outputs, features: Features) -> list[Answer]:
        assert isinstance(features, Rows)
        groups: dict[int, list[Row]] = {}
        for owner, row in zip(features.owners, outputs, strict=True):
            groups.setdefault(int(owner), []).append(row)
        return [_answer(rows) for rows in groups.values()]

    def scores(self, outputs: Outputs, examples: Sequence[Example], features: Features) -> dict[str, float]:
        found = self.decode(outputs, features)
        right = [answer.intent == example.intent for answer, example in zip(found, examples, strict=True)]
        return {"intent_accuracy": float(np.mean(right)), "loss": 0.5}

    def figures(self, prediction: Answer) -> Mapping[str, float]:
        return {"slots": float(len(prediction.slots))}

    @property
    def usage(self) -> str:
        return "'part，part'"

    def question(self, where: str, line: str) -> str:
        return line

    def asked(self, question: str) -> Mapping[str, Any]:
        return {"text": question}

    def shown(self, question: str) -> str:
        return f"text: {question}"

    def probe(self) -> Sequence[str]:
        return ("天地人，好", "坏", "你我他，山水火风，好")


def _answer(rows: Sequence[Row]) -> Answer:
    """The intent that all rows together make probable, the slots of one after the other."""
    intents = np.sum([intents for intents, _ in rows], axis=0)
    return Answer(int(intents.argmax()), [int(slot) for _, slots in rows for slot in slots.argmax(axis=1)])


def finetuned(folder: Path) -> Path:
    """A model of this task with random weights."""
    tokenizer = tokenizers.open(tiny_task.model(folder / "model"))
    found = folder / "finetuned"
    found.mkdir()
    paddle.seed(3)
    net = Net(config.shape("2L16H2", tokenizer.size, max_position_embeddings=32, initializer_range=0.3))
    weights.save(net, found)
    tokenizer.save(found)
    Joint(16).save(found)
    return found
