"""An intent for a text, and the slots in it: spoken-language understanding with one net."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.tasks import features as rows
from ernie_core.tasks.features import Arrays, Features
from ernie_core.tasks.metrics import classification as metrics
from ernie_core.tasks.metrics import spans
from ernie_core.tasks.metrics.spans import OUTSIDE, Span
from ernie_core.tasks.readers import classification
from ernie_core.tasks.readers import joint_intent_slots as reader
from ernie_core.tasks.readers.joint_intent_slots import INTENTS, SLOTS, Query
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.sequence_classification import SENTENCES
from ernie_core.tasks.task import Outputs, Prediction, Row, Task
from ernie_core.tasks.token_classification import IGNORED, labelled, mean_loss, tags_loss
from ernie_core.text.offsets import Span as Place
from ernie_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import paddle

    from ernie_core.model.config import ErnieConfig


@dataclass(frozen=True)
class QueryRows(Features):
    """A row for each text, its tokens behind `[CLS]`."""

    texts: list[str]
    places: list[list[Place]]
    """The characters of every token of a row but the special ones."""

    def arrays(self) -> dict[str, np.ndarray]:
        places = np.array(list(chain.from_iterable(self.places)), np.int32).reshape(-1, 2)
        return {**super().arrays(), "placed": rows.sizes(self.places), "places": places}

    @classmethod
    def restored(cls, questions: Sequence[str], arrays: Arrays) -> "QueryRows":
        places = rows.cut(list(map(tuple, arrays["places"].tolist())), arrays["placed"])
        return cls(*rows.ids_and_types(arrays), list(questions), places)


@dataclass(frozen=True)
class IntentPrediction(Prediction):
    """The most probable intent, its probability, and the slots, `{"slot", "entity", "pos": [first, last]}` each:
    numbers of the first and the last character."""

    intent: str
    confidence: float = 1.0
    slots: tuple[dict[str, Any], ...] = ()

    def row(self) -> Mapping[str, Any]:
        return {"predicted": _answer(self.intent, self.slots), "confidence": round(self.confidence, 6)}

    def text(self) -> str:
        shown = ", ".join(f"{slot['slot']}: {slot['entity']}" for slot in self.slots)
        return f"intent: {self.intent}, prob: {self.confidence:.4f}, slots: {shown or 'none'}"


@dataclass(frozen=True)
class JointIntentSlots(Task[str, IntentPrediction]):
    """Cross entropy over the intents, plus that over the tags of all tokens."""

    name: ClassVar[str] = "joint_intent_slots"
    outputs: ClassVar[tuple[str, ...]] = ("intent_logits", "slot_logits")
    features: ClassVar[type[Features]] = QueryRows

    max_seq_len: int
    intents: tuple[str, ...]
    slots: tuple[str, ...]
    bare: tuple[str, ...]
    """Intents that had no slot in train: answers with one of them have none."""

    @classmethod
    def of_data(cls, folder: Path, settings: FinetuneRecipe) -> "JointIntentSlots":
        intents, slots = reader.intent_names(folder), reader.slot_names(folder)
        train = reader.examples(folder, "train", intents, slots)
        seen = {query.intent for query in train}
        filled = {query.intent for query in train if query.slots}
        bare = tuple(name for number, name in enumerate(intents) if number in seen - filled)
        return cls(settings.max_seq_len, intents, slots, bare)

    @classmethod
    def opened(cls, folder: Path, said: Mapping[str, Any]) -> "JointIntentSlots":
        intents, slots = reader.intent_names(folder), reader.slot_names(folder)
        return cls(int(said["max_seq_len"]), intents, slots, tuple(map(str, said["intents_without_slots"])))

    def facts(self) -> dict[str, Any]:
        return {"intents_without_slots": list(self.bare)}

    def learned(self) -> dict[str, Any]:
        return {"intents": list(self.intents), "slots": list(self.slots), **self.facts()}

    def copy_to(self, folder: Path) -> None:
        for file, names in ((INTENTS, self.intents), (SLOTS, self.slots)):
            classification.write_names(folder / file, names)

    def differs(self, folder: Path) -> str:
        return classification.difference(
            reader.intent_names(folder), self.intents, INTENTS
        ) or classification.difference(reader.slot_names(folder), self.slots, SLOTS)

    def read(self, folder: Path, split: str) -> Sequence[Query]:
        return reader.examples(folder, split, self.intents, self.slots)

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tags of tokens in the order of their logits, which is that of the reference: `PAD` is never right."""
        return ("PAD", OUTSIDE, *(f"{prefix}-{slot}" for slot in self.slots for prefix in "BI"))

    def encode(self, questions: Sequence[str], tokenizer: Tokenizer) -> QueryRows:
        rows = QueryRows([], [], list(questions), [])
        for text in questions:
            if not isinstance(text, str):
                raise BadInput(f"this model was trained on single texts, not on {text!r}")
        for traced in tokenizer.trace(questions):
            framed, types = tokenizer.frame(traced.ids.tolist(), None, self.max_seq_len)
            rows.input_ids.append(framed)
            rows.token_type_ids.append(types)
            rows.places.append(list(zip(traced.starts.tolist(), traced.ends.tolist(), strict=True))[: len(framed) - 2])
        return rows

    def truth(self, example: Query) -> Mapping[str, Any]:
        if example.intent is None:
            return {}
        return _answer(self.intents[example.intent], [_shown(example.question, slot) for slot in example.slots])

    def targets(self, examples: Sequence[Query], features: Features) -> np.ndarray:
        """Ids, int16 [N, longest row]: of the intent at `[CLS]`, of tags at the tokens, `IGNORED` elsewhere."""
        assert isinstance(features, QueryRows)
        ids = {tag: number for number, tag in enumerate(self.tags)}
        table = np.full((len(examples), int(features.lengths.max())), IGNORED, np.int16)
        for row, example, places in zip(table, examples, features.places, strict=True):
            row[0] = example.intent
            row[1 : len(places) + 1] = [ids[tag] for tag in _tags(example.slots, places)]
        return table

    def net(self, config: "ErnieConfig") -> "paddle.nn.Layer":
        from ernie_core.model.heads import JointErnie

        return JointErnie(config, len(self.intents), len(self.tags))

    def loss(self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray) -> "paddle.Tensor":
        intents, slots = self.terms(outputs, targets)
        return intents + slots

    def terms(self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray) -> "Sequence[paddle.Tensor]":
        import paddle

        wanted = paddle.to_tensor(targets[:, 0].astype(np.int64))
        return paddle.nn.functional.cross_entropy(outputs[0], wanted), tags_loss(outputs[1], _of_tokens(targets))

    def counts(self, targets: np.ndarray) -> Sequence[int]:
        return len(targets), int((_of_tokens(targets) != IGNORED).sum())

    def distributions(
        self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray
    ) -> "Sequence[tuple[paddle.Tensor, paddle.Tensor | None]]":
        """The logits of intents [n, K], and those of tags with which of their tokens are labelled, bool [n, L]."""
        return (outputs[0], None), (outputs[1], labelled(outputs[1], _of_tokens(targets)))

    def rows(self, outputs: Sequence[np.ndarray], lengths: np.ndarray) -> list[Row]:
        intents, slots = outputs
        return [(one, other[:length]) for one, other, length in zip(intents, slots, lengths, strict=True)]

    def misfit(self, outputs: Outputs) -> str:
        if problem := super().misfit(outputs):
            return problem
        for logits, names in zip(outputs[0], (self.intents, self.tags), strict=True):
            if logits.shape[-1] != len(names):
                return f"{logits.shape[-1]} logits for {len(names)} {'intents' if names is self.intents else 'tags'}"
        return ""

    def decode(self, outputs: Outputs, features: Features) -> list[IntentPrediction]:
        assert isinstance(features, QueryRows)
        return [
            self._prediction(row, text, places)
            for row, text, places in zip(outputs, features.texts, features.places, strict=True)
        ]

    def _prediction(self, row: Row, text: str, places: Sequence[Place]) -> IntentPrediction:
        chances = metrics.softmax(row[0][None])[0]
        intent = self.intents[int(chances.argmax())]
        slots: Sequence[Span] = ()
        if intent not in self.bare:
            # neither `[CLS]` nor `[SEP]` has a tag, and `PAD` is none
            chosen = row[1][1 : len(places) + 1, 1:].argmax(axis=1) + 1
            slots = _slots([self.tags[number] for number in chosen.tolist()], places)
        return IntentPrediction(intent, float(chances.max()), tuple(_shown(text, slot) for slot in slots))

    def graded(self, prediction: IntentPrediction, example: Query) -> float:
        """1 if the intent and all slots are right."""
        return float(_answer(prediction.intent, prediction.slots) == self.truth(example))

    def pairs(self, prediction: IntentPrediction, example: Query) -> Sequence[tuple[str, str]]:
        """The true and the predicted intent."""
        return ((self.truth(example)["intent"], prediction.intent),)

    def scores(self, outputs: Outputs, examples: Sequence[Query], features: Features) -> dict[str, float]:
        """`accuracy` counts answers whose intent and slots are all right; slots beyond the end of a row are missed."""
        found, true = self.decode(outputs, features), [self.truth(example) for example in examples]
        pairs = list(zip(found, true, strict=True))
        targets = self.targets(examples, features)
        given, wanted = (
            [[Span(slot["slot"], *slot["pos"]) for slot in slots] for slots in rows]
            for rows in ([answer.slots for answer in found], [answer["slots"] for answer in true])
        )
        intents = metrics.cross_entropy(np.stack([row[0] for row in outputs]), targets[:, 0])
        return {
            "accuracy": float(np.mean([_answer(p.intent, p.slots) == t for p, t in pairs])),
            "intent_accuracy": float(np.mean([p.intent == t["intent"] for p, t in pairs])),
            "slot_f1": spans.scores(given, wanted)["f1"],
            "loss": intents + mean_loss([row[1] for row in outputs], _of_tokens(targets)),
        }

    def losses(self, outputs: Outputs, examples: Sequence[Query], features: Features) -> np.ndarray:
        """The loss of each example, float64 [N]."""
        targets = self.targets(examples, features)
        slots = [mean_loss([row[1]], wanted[None]) for row, wanted in zip(outputs, _of_tokens(targets), strict=True)]
        intents = [
            metrics.cross_entropy(row[0][None], wanted[:1]) for row, wanted in zip(outputs, targets, strict=True)
        ]
        return np.array(intents) + np.array(slots)

    def submission(
        self, predictions: Sequence[IntentPrediction], examples: Sequence[Query], dataset: str
    ) -> Mapping[str, str]:
        """`nlpcc2018`: the columns of its own files, the slots as marks in the text."""
        if dataset != "nlpcc2018":
            return {}
        lines = (
            f"{e.id}\t{e.question}\t{p.intent}\t{_annotated(e.question, p.slots)}\n"
            for p, e in zip(predictions, examples, strict=True)
        )
        return {"nlpcc2018_predict.txt": "".join(lines)}

    def figures(self, prediction: IntentPrediction) -> Mapping[str, float]:
        """1 for the predicted intent and 0 for the others, whose means are shares."""
        return {f"share_{name}": float(name == prediction.intent) for name in self.intents}

    @property
    def usage(self) -> str:
        return "'text'"

    def question(self, where: str, line: str) -> str:
        return line

    def asked(self, question: str) -> Mapping[str, Any]:
        return {"text": question}

    def shown(self, question: str) -> str:
        return f"text: {question}"

    def probe(self) -> Sequence[str]:
        return SENTENCES


def _of_tokens(targets: np.ndarray) -> np.ndarray:
    """Targets of tags alone: `[CLS]`, where the intent is, has none."""
    rest = targets.copy()
    rest[:, 0] = IGNORED
    return rest


def _tags(slots: Sequence[Span], places: Sequence[Place]) -> list[str]:
    """The tag of every token, by its characters: a token with characters of two slots belongs to the first."""
    tags, begun = [], -1
    for start, end in places:
        number = next((n for n, slot in enumerate(slots) if slot.start < end and start < slot.end), -1)
        if number < 0:
            tags.append(OUTSIDE)
        else:
            tags.append(f"{'I' if number == begun else 'B'}-{slots[number].type}")
            begun = number
    return tags


def _slots(tags: Sequence[str], places: Sequence[Place]) -> list[Span]:
    """Slots as characters, from the tags of tokens."""
    return [Span(s.type, places[s.start][0], places[s.end - 1][1]) for s in spans.spans(tags)]


def _shown(text: str, slot: Span) -> dict[str, Any]:
    return {"slot": slot.type, "entity": text[slot.start : slot.end], "pos": [slot.start, slot.end - 1]}


def _answer(intent: str, slots: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"intent": intent, "slots": list(slots)}


def _annotated(text: str, slots: Sequence[Mapping[str, Any]]) -> str:
    """A text with `<slot>` and `</slot>` around every slot."""
    for slot in reversed(slots):
        first, last = slot["pos"]
        text = f"{text[:first]}<{slot['slot']}>{text[first : last + 1]}</{slot['slot']}>{text[last + 1 :]}"
    return text
