"""The right one of several choices: the answer to a question about a context, or what belongs in a blank."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.tasks.choices import BLANK, ChoiceEncoder, ChoiceRows, Question
from ernie_core.tasks.features import Features
from ernie_core.tasks.metrics import classification as metrics
from ernie_core.tasks.readers import multiple_choice as reader
from ernie_core.tasks.readers import rows
from ernie_core.tasks.readers.multiple_choice import AskedChoice
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.task import Outputs, Prediction, Row, Task
from ernie_core.text import json_text
from ernie_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import paddle

    from ernie_core.model.config import ErnieConfig

LEAST = 16
"""Tokens below which no row has room for a context, a question and a choice."""
_NEVER = -1e9
"""Logit of a choice that a question with fewer choices does not have."""
_CHID, _C3 = "clue/chid", "clue/c3"
READING: tuple[Question, ...] = (
    ("男：明天去爬山吧？\n女：好，八点出发。", "他们明天做什么？", ("爬山", "游泳", "看一场很长的电影"), ""),
    ("The shop opens at nine.", "几点开门？", ("九点", "ten"), ""),
    ("天", "", ("是", "不是"), ""),
)
CLOZE: tuple[Question, ...] = (
    ("他做事#idiom1#，从不马虎，大家都说他#idiom2#。", "#idiom1#", ("一丝不苟", "画蛇添足", "名副其实"), ""),
    ("这是#idiom1#！", "#idiom1#", ("雪中送炭", "画蛇添足"), ""),
)


@dataclass(frozen=True)
class ChoicePrediction(Prediction):
    """The chosen one, and the probability of every choice in their order."""

    label: int
    choice: str
    scores: tuple[float, ...]

    @property
    def confidence(self) -> float:
        return self.scores[self.label]

    def row(self) -> Mapping[str, Any]:
        scores = [round(score, 6) for score in self.scores]
        return {"predicted": self.label, "choice": self.choice, "confidence": scores[self.label], "scores": scores}

    def text(self) -> str:
        return f"choice {self.label}: {' '.join(self.choice.split())}, prob: {self.confidence:.4f}"


@dataclass(frozen=True)
class MultipleChoice(Task[Question, ChoicePrediction]):
    """Cross entropy over the choices of a question. A sample is a question: as many rows of the net as it has choices.

    In a cloze test, all questions of which are blanks such as `#idiom3#`, those of a group have the same choices, and
    none is chosen twice: of all blanks and choices of the group the most probable pair comes first, then the most
    probable of a blank and a choice that are left, and so on.
    """

    name: ClassVar[str] = "multiple_choice"
    features: ClassVar[type[Features]] = ChoiceRows

    max_seq_len: int
    cloze: bool

    @classmethod
    def of_data(cls, folder: Path, settings: FinetuneRecipe) -> "MultipleChoice":
        if settings.max_seq_len < LEAST:
            raise BadInput(f"max_seq_len {settings.max_seq_len} has no room for a context, a question and a choice: "
                           f"it must be at least {LEAST}")  # fmt: skip
        cloze = all(BLANK.fullmatch(example.asked) for example in reader.examples(folder, "train"))
        return cls(settings.max_seq_len, cloze)

    @classmethod
    def opened(cls, folder: Path, said: Mapping[str, Any]) -> "MultipleChoice":
        return cls(int(said["max_seq_len"]), bool(said["cloze"]))

    def facts(self) -> dict[str, Any]:
        return {"cloze": self.cloze}

    def read(self, folder: Path, split: str) -> Sequence[AskedChoice]:
        found = reader.examples(folder, split)
        for example in found if self.cloze else ():
            if example.asked not in example.context or not BLANK.fullmatch(example.asked):
                where = f"{folder}/{split}.jsonl: example {example.id}"
                raise BadInput(
                    f"{where}: question {rows.spell(example.asked)} is no blank of the context, such as #idiom1#"
                )
        return found

    def encode(self, questions: Sequence[Question], tokenizer: Tokenizer) -> ChoiceRows:
        of_groups: dict[str, tuple[str, ...]] = {}
        for question in questions:
            if isinstance(question, str) or len(question) != 4 or len(question[2]) < 2:
                raise BadInput(
                    f"a question is a context, a question, at least two choices and a group, not {question!r}"
                )
            _, asked, choices, group = question
            if group and of_groups.setdefault(group, choices) != choices:
                raise BadInput(
                    f"question {rows.spell(asked)} of group {rows.spell(group)} has other choices than one before it: "
                    "give all of a group the same, or another group"
                )
        return ChoiceEncoder(tokenizer, self.max_seq_len).encode(questions, self.cloze)

    def truth(self, example: AskedChoice) -> Mapping[str, Any]:
        return {} if example.label is None else {"label": example.label}

    def targets(self, examples: Sequence[AskedChoice], features: Features) -> np.ndarray:
        """The right choice and the number of choices of every question, int64 [questions, 2]."""
        return np.array([(example.label, len(example.choices)) for example in examples], np.int64).reshape(-1, 2)

    def net(self, config: "ErnieConfig") -> "paddle.nn.Layer":
        from ernie_core.model.heads import ErnieForMultipleChoice

        return ErnieForMultipleChoice(config)

    def loss(self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray) -> "paddle.Tensor":
        import paddle

        return paddle.nn.functional.cross_entropy(_by_question(outputs, targets), paddle.to_tensor(targets[:, 0]))

    def distributions(
        self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray
    ) -> "Sequence[tuple[paddle.Tensor, paddle.Tensor | None]]":
        return ((_by_question(outputs, targets), None),)

    def forward(
        self, run: Callable[..., Sequence[np.ndarray]], features: Features, rows: np.ndarray, pad_id: int
    ) -> list[Row]:
        """The logits of the choices of every question, float32 [choices]."""
        assert isinstance(features, ChoiceRows)
        (logits,) = run(**self.batch(features, rows, pad_id))
        return [(part,) for part in np.split(logits.reshape(-1), np.cumsum(features.counts[rows])[:-1])]

    def misfit(self, outputs: Outputs) -> str:
        if problem := super().misfit(outputs):
            return problem
        shape = outputs[0][0].shape
        return "" if len(shape) == 1 and shape[0] > 1 else f"logits of shape {shape} for the choices of a question"

    def decode(self, outputs: Outputs, features: Features) -> list[ChoicePrediction]:
        assert isinstance(features, ChoiceRows)
        shares = [metrics.softmax(row[0][None])[0] for row in outputs]
        labels = [int(row[0].argmax()) for row in outputs]
        groups: dict[str, list[int]] = {}
        for number, (_, _, _, group) in enumerate(features.questions):
            if group and self.cloze:
                groups.setdefault(group, []).append(number)
        for members in groups.values():
            chosen = assigned(np.stack([shares[number] for number in members]))
            for number, label in zip(members, chosen, strict=True):
                labels[number] = label
        return [
            ChoicePrediction(label, question[2][label], tuple(map(float, share)))
            for label, question, share in zip(labels, features.questions, shares, strict=True)
        ]

    def scores(self, outputs: Outputs, examples: Sequence[AskedChoice], features: Features) -> dict[str, float]:
        right = [found.label == e.label for found, e in zip(self.decode(outputs, features), examples, strict=True)]
        losses = [
            metrics.scores(row[0][None], np.array([e.label]))["loss"] for row, e in zip(outputs, examples, strict=True)
        ]
        return {"accuracy": float(np.mean(right)), "loss": float(np.mean(losses))}

    def submission(
        self, predictions: Sequence[ChoicePrediction], examples: Sequence[AskedChoice], dataset: str
    ) -> Mapping[str, str]:
        """CHID: one JSON object, blank -> choice; C3: an object with id and choice a line, as CLUE reads them."""
        pairs = list(zip(predictions, examples, strict=True))
        if dataset == _CHID:
            # A blank without a number is not the only one of its name.
            chosen = {e.id if e.asked == "#idiom#" else e.asked: found.label for found, e in pairs}
            return {"chid11_predict.json": json.dumps(chosen, indent=1) + "\n"}
        if dataset == _C3:
            lines = [{"id": int(e.id) if e.id.isdecimal() else e.id, "label": found.label} for found, e in pairs]
            return {"c311_predict.json": "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)}
        return {}

    @property
    def usage(self) -> str:
        return "$'context\\tquestion\\tchoice\\tchoice'"

    def group(self, question: Question) -> str:
        return question[3] if self.cloze else ""

    def question(self, where: str, line: str) -> Question:
        """A JSON object with context, question and choices, or these separated by tabs."""
        if not line.lstrip().startswith("{"):
            context, *rest = line.split("\t")
            if len(rest) < 3:
                raise BadInput(f"{where}: write context, question and at least two choices with tabs between, or "
                               '{"context": "...", "question": "...", "choices": ["...", "..."]}')  # fmt: skip
            return self._checked(where, (context, rest[0], tuple(rest[1:]), ""))
        try:
            said = json_text.parse(line)
        except ValueError as e:
            raise BadInput(f"{where}: not JSON ({e})") from None
        for key in ("context", "question", "group"):
            if not isinstance(said.get(key, ""), str):
                raise BadInput(f'{where}: "{key}" is {rows.spell(said[key])}, it must be a string')
        choices = reader.choices_of(where, said.get("choices"))
        return self._checked(where, (said.get("context", ""), said.get("question", ""), choices, said.get("group", "")))

    def _checked(self, where: str, question: Question) -> Question:
        context, asked, choices, _ = question
        reader.choices_of(where, choices)
        if self.cloze and (asked not in context or not BLANK.fullmatch(asked)):
            raise BadInput(f"{where}: question {rows.spell(asked)} is no blank of the context, such as #idiom1#")
        return question

    def asked(self, question: Question) -> Mapping[str, Any]:
        context, asked, choices, group = question
        return {"context": context, "question": asked, "choices": list(choices)} | ({"group": group} if group else {})

    def shown(self, question: Question) -> str:
        return f"question: {question[1]}"

    def probe(self) -> Sequence[Question]:
        return CLOZE if self.cloze else READING


def assigned(shares: np.ndarray) -> list[int]:
    """A choice for every question, from probabilities [questions, choices]: none twice, the most probable pair first.

    Questions that are left when all choices are taken get their own best one.
    """
    labels: dict[int, int] = {}
    taken: set[int] = set()
    for place in np.argsort(-shares, axis=None, kind="stable"):
        question, choice = divmod(int(place), shares.shape[1])
        if question not in labels and choice not in taken:
            labels[question] = choice
            taken.add(choice)
    return [labels.get(question, int(shares[question].argmax())) for question in range(len(shares))]


def _by_question(outputs: "Sequence[paddle.Tensor]", targets: np.ndarray) -> "paddle.Tensor":
    """The logits [questions, most choices] of rows that are a choice each; a choice that a question lacks has the
    smallest one."""
    import paddle

    counts = targets[:, 1]
    places = np.arange(counts.max())
    here = places < counts[:, None]
    rows = np.where(here, (np.cumsum(counts) - counts)[:, None] + places, 0)
    logits = paddle.gather(outputs[0].reshape([-1]), paddle.to_tensor(rows.reshape(-1))).reshape(list(rows.shape))
    return logits if here.all() else logits + paddle.to_tensor(np.where(here, 0, _NEVER).astype("float32"))
