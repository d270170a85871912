"""Tasks: everything that fine-tuning, compression, evaluation and serving need to know of a task, in one class.

A new task is one file of this package with a subclass of `Task`, a row in known.py, and, if none of the heads fits, a
net in ernie_core/model/heads.py. No other code names a task.
"""

import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from ernie_core.errors import BadInput, NotFound
from ernie_core.tasks import data
from ernie_core.tasks.features import Features
from ernie_core.tasks.known import TASKS, Known
from ernie_core.text import json_text
from ernie_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import paddle

    from ernie_core.model.config import ErnieConfig
    from ernie_core.tasks.recipe import FinetuneRecipe

FILE = "task.json"
"""File in a fine-tuned model: its task, and the settings that serving needs."""
Q = TypeVar("Q")
"""A question: a text, or a tuple of texts and of such tuples, so that JSON can represent it."""
P = TypeVar("P", bound="Prediction")
SPLITS = ("train", "dev", "test")
"""Of labelled examples, one file `<split>.jsonl` each; the last may be missing, or have no labels."""

Row = tuple[np.ndarray, ...]
Outputs = Sequence[Row]
"""The outputs of the net for each row: a float32 array for each of `Task.outputs`, without padding."""


@dataclass(frozen=True)
class Prediction(ABC):
    """The answer to one question. Its fields are JSON values, which `python -m ernie_core.serve --json` prints."""

    @property
    @abstractmethod
    def confidence(self) -> float:
        """Probability that the net gives to this answer, from 0 to 1."""

    @abstractmethod
    def row(self) -> Mapping[str, Any]:
        """The row in `predictions.jsonl`: `predicted` is the answer, the rest its confidence."""

    @abstractmethod
    def text(self) -> str:
        """The answer for people, on one line."""


class Example(Protocol):
    """A question with its true answer."""

    @property
    def id(self) -> str: ...

    @property
    def question(self) -> Any: ...

    @property
    def labelled(self) -> bool:
        """Whether the true answer is known."""


class Task(ABC, Generic[Q, P]):
    """A task with what it learned from its data, such as labels. Importing it imports no Paddle.

    `max_seq_len` is in tokens, special tokens included.
    """

    name: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]] = ("input_ids", "token_type_ids")
    """Inputs of the net, int64 [rows, tokens] each, which `batch` makes; those of a model are in `fed`."""
    outputs: ClassVar[tuple[str, ...]] = ("logits",)
    """Outputs of the exported graph, in its order, by their names in messages: float32 [rows, ...] each."""
    features: ClassVar[type[Features]] = Features
    """The class of what `encode` returns."""
    max_seq_len: int

    @property
    def known(self) -> Known:
        """The names of its scores."""
        return TASKS[self.name]

    @classmethod
    @abstractmethod
    def of_data(cls, folder: Path, settings: "FinetuneRecipe") -> "Task[Q, P]":
        """The task of labelled examples in a folder, with the settings that concern it, such as `max_seq_len`."""

    @classmethod
    @abstractmethod
    def opened(cls, folder: Path, said: Mapping[str, Any]) -> "Task[Q, P]":
        """The task of a model in a folder, from the result of `description`; KeyError, TypeError or ValueError if it is
        incomplete."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What `opened` needs besides `max_seq_len` and the files of `copy_to`, as JSON values, under names not used
        otherwise in `task.json` or `serving.json`."""

    def learned(self) -> dict[str, Any]:
        """Everything taken from the data, as JSON values: it must be equal for a training to resume."""
        return self.facts()

    def copy_to(self, folder: Path) -> None:
        """Write the files of every model of this task, such as the names of labels; none by default."""

    def differs(self, folder: Path) -> str:
        """Why labelled examples cannot belong to the data of this task; empty if they can. By default, because they
        are for another task."""
        found = data.read(folder).task or self.name
        return "" if found == self.name else f"these examples are for {found}"

    @abstractmethod
    def read(self, folder: Path, split: str) -> Sequence[Example]:
        """The examples of a split, at least one. BadInput, with file, line and remedy, for a faulty one.

        Those of `test` may all have no true answer: then their `labelled` is False.
        """

    @abstractmethod
    def encode(self, questions: Sequence[Q], tokenizer: Tokenizer) -> Features:
        """Rows for the net, each of at most `max_seq_len` tokens; a question may have several. BadInput for one of
        another form."""

    @abstractmethod
    def truth(self, example: Any) -> Mapping[str, Any]:
        """The true answer as JSON values, for `predictions.jsonl`; empty if it is not known."""

    @abstractmethod
    def targets(self, examples: Sequence[Any], features: Features) -> np.ndarray:
        """The true answers as `loss` expects them; the first axis is that of `features.lengths`. Called for labelled
        examples only."""

    def batch(self, features: Features, rows: np.ndarray, pad_id: int) -> dict[str, np.ndarray]:
        """The inputs of some rows, padded to the longest of them."""
        return features.padded(rows, pad_id)

    def fed(self, config: "ErnieConfig") -> tuple[str, ...]:
        """Those of `inputs` that a net of this shape takes, and its exported graph has: ERNIE-M knows no types of
        tokens."""
        return tuple(name for name in self.inputs if name != "token_type_ids" or name in config.inputs)

    @abstractmethod
    def net(self, config: "ErnieConfig") -> "paddle.nn.Layer":
        """The encoder with the head, with random weights; it computes `outputs` from `inputs`. Imports Paddle."""

    @abstractmethod
    def loss(self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray) -> "paddle.Tensor":
        """The mean loss over the rows of a batch, float32 []."""

    def distributions(
        self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray
    ) -> "Sequence[tuple[paddle.Tensor, paddle.Tensor | None]]":
        """The distributions that R-Drop compares, for each of the outputs: logits [..., K], a softmax over the last
        axis, and which of them count, bool [...] (None: all).

        By default the last axis of each output, without those whose target is negative, which the loss ignores too.
        """
        import paddle

        found = []
        for output in outputs:
            masked = targets.shape == tuple(output.shape[:-1]) and bool((targets < 0).any())
            found.append((output, paddle.to_tensor(targets >= 0) if masked else None))
        return found

    def terms(self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray) -> "Sequence[paddle.Tensor]":
        """The terms whose sum is the loss, float32 [] each, where they are means over different things: then one for
        each of the outputs."""
        return (self.loss(outputs, targets),)

    def counts(self, targets: np.ndarray) -> Sequence[int]:
        """What each of `terms` is a mean over: the number of rows, or of labelled tokens. A step of several micro
        batches weights them by it, so that its loss is that of all its rows at once."""
        return (len(targets),)

    def rows(self, outputs: Sequence[np.ndarray], lengths: np.ndarray) -> list[Row]:
        """The outputs of a batch row by row; a task with an output per token truncates it to the row's length."""
        return list(zip(*outputs, strict=True))

    def forward(
        self, run: Callable[..., Sequence[np.ndarray]], features: Features, rows: np.ndarray, pad_id: int
    ) -> list[Row]:
        """The outputs of one batch of rows; `run` takes the inputs by name and returns the outputs."""
        return self.rows(run(**self.batch(features, rows, pad_id)), features.lengths[rows])

    def misfit(self, outputs: Outputs) -> str:
        """Why outputs cannot be those of a net of this task; empty if they can."""
        count = len(outputs[0])
        return "" if count == len(self.outputs) else f"{count} outputs instead of {', '.join(self.outputs)}"

    @abstractmethod
    def decode(self, outputs: Outputs, features: Features) -> Sequence[P]:
        """A prediction for every question."""

    @abstractmethod
    def scores(self, outputs: Outputs, examples: Sequence[Any], features: Features) -> dict[str, float]:
        """The figures of a split, those of `known.shares` and `loss`."""

    def losses(self, outputs: Outputs, examples: Sequence[Any], features: Features) -> np.ndarray | None:
        """The loss of every labelled example, float64 [N], for a table by length; None: not known."""
        return None

    def graded(self, prediction: P, example: Any) -> float:
        """How right a prediction is, from 0 to 1: 1 for the true answer."""
        return float(prediction.row()["predicted"] == next(iter(self.truth(example).values())))

    def pairs(self, prediction: P, example: Any) -> Sequence[tuple[str, str]]:
        """The true and the predicted class of everything that is classified in an example, for a table of confusions;
        none for answers that are not classes."""
        return ()

    def submission(self, predictions: Sequence[P], examples: Sequence[Any], dataset: str) -> Mapping[str, str]:
        """Files in which predictions of this data set are handed in: name -> content; none if no form is known."""
        return {}

    def listed(self, predictions: Sequence[P]) -> Mapping[str, Sequence[Any]]:
        """Lists in the order of the predictions that `test_results.json` holds beside its rows, because a published
        script wrote them; none by default."""
        return {}

    def agreement(self, outputs: Outputs, other: Outputs, features: Features) -> float:
        """Share of equal answers of two models to the same questions."""
        pairs = zip(self.decode(outputs, features), self.decode(other, features), strict=True)
        return float(np.mean([one.row()["predicted"] == two.row()["predicted"] for one, two in pairs]))

    def figures(self, prediction: P) -> Mapping[str, float]:
        """Figures of one prediction whose means sum up many, for unlabelled texts: 1 for its label, 0 for others."""
        return {}

    @property
    @abstractmethod
    def usage(self) -> str:
        """A question as it is typed on a command line, `'text'` for example."""

    @abstractmethod
    def question(self, where: str, line: str) -> Q:
        """A line of text as a question; BadInput, with `where`, if it is none."""

    def group(self, question: Q) -> str:
        """What neighbouring questions have in common that are answered together; empty: this one stands alone."""
        return ""

    @abstractmethod
    def asked(self, question: Q) -> Mapping[str, Any]:
        """A question as JSON values, for the lines of answers."""

    @abstractmethod
    def shown(self, question: Q) -> str:
        """A question for people, on one line."""

    @abstractmethod
    def probe(self) -> Sequence[Q]:
        """Fixed questions of several lengths, with which an exported model is checked."""

    def better(self, scores: Mapping[str, float], best: Mapping[str, float] | None, by: str = "") -> bool:
        """Whether the first scores beat the best so far, which may be None.

        `by` is the name of the score that decides, by default the main one. A greater score is better, a smaller loss;
        between equals the smaller loss decides, and between equal losses the greater main score.
        """
        if best is None:
            return True
        by = by or self.known.main
        order = ("loss", self.known.main) if by == "loss" else (by, "loss")
        mine, theirs = (
            tuple(-figures[name] if name == "loss" else figures[name] for name in order) for figures in (scores, best)
        )
        return mine > theirs

    def description(self) -> dict[str, Any]:
        """The argument of `opened` of this module, as JSON values."""
        return {"task": self.name, "max_seq_len": self.max_seq_len, **self.facts()}

    def save(self, folder: Path) -> None:
        """Write `task.json` and the files of `copy_to`."""
        content = {**self.description(), **self.learned()}
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")
        self.copy_to(folder)


def splits(folder: Path) -> tuple[str, ...]:
    """The splits in a folder of labelled examples: train and dev, and test if it is there."""
    return tuple(split for split in SPLITS if split != "test" or (folder / f"{split}.jsonl").exists())


def find(name: str) -> type[Task[Any, Any]]:
    """The class of a task. BadInput if there is none of this name."""
    if name not in TASKS:
        raise BadInput(f"task `{name}` is not known, choose from: {', '.join(TASKS)}")
    module = importlib.import_module(f"ernie_core.tasks.{name}")
    return next(c for c in vars(module).values() if isinstance(c, type) and vars(c).get("name") == name)


def read(folder: Path) -> Task[Any, Any]:
    """The task of a fine-tuned model. NotFound without `task.json`, BadInput if it is damaged."""
    path = folder / FILE
    try:
        content = json_text.parse(path.read_text(encoding="utf-8"))
        return opened(folder, content)
    except FileNotFoundError:
        raise NotFound(f"{path}: no such file, this folder holds no fine-tuned model") from None
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise BadInput(f"{path}: damaged, fine-tune again: {e!r}") from e


def opened(folder: Path, said: Mapping[str, Any]) -> Task[Any, Any]:
    """The task of the model in a folder, from its `description`; more keys are allowed. Errors as in `Task.opened`."""
    return find(str(said["task"])).opened(folder, said)
