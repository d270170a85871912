"""A tag for every word of a text, and the entities that the tags spell: named-entity recognition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ernie_core.tasks import words
from ernie_core.tasks.features import Features
from ernie_core.tasks.metrics import classification as metrics
from ernie_core.tasks.metrics import spans
from ernie_core.tasks.metrics.spans import OUTSIDE
from ernie_core.tasks.readers import classification
from ernie_core.tasks.readers import token_classification as reader
from ernie_core.tasks.readers.token_classification import TaggedWords
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.sequence_classification import SENTENCES
from ernie_core.tasks.task import Outputs, Prediction, Row, Task
from ernie_core.tasks.words import WordRows, Words
from ernie_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import paddle

    from ernie_core.model.config import ErnieConfig

IGNORED = -100
"""Target of a token that counts neither in the loss nor in the scores."""


@dataclass(frozen=True)
class TagPrediction(Prediction):
    """The entities of a text, `{"type", "start", "end", "text"}` each, and the tag of every word.

    `start` and `end` are numbers of characters if the question was a text, else of words; `end` is behind the last.
    """

    entities: list[dict[str, Any]]
    tags: list[str]
    confidence: float = 1.0

    def row(self) -> Mapping[str, Any]:
        return {"predicted": self.entities, "tags": self.tags, "confidence": round(self.confidence, 6)}

    def text(self) -> str:
        shown = (f"{entity['text']} ({entity['type']})" for entity in self.entities)
        return f"entities: {', '.join(shown) or 'none'}, prob: {self.confidence:.4f}"


@dataclass(frozen=True)
class TokenClassification(Task[Words, TagPrediction]):
    """Cross entropy over the tags of `labels.txt`, at the first token of every word."""

    name: ClassVar[str] = "token_classification"
    features: ClassVar[type[Features]] = WordRows

    max_seq_len: int
    labels: tuple[str, ...]
    scheme: str
    """A key of `spans.SCHEMES`."""
    characters: bool
    """Whether its words are characters: a text is divided in the same way."""

    @classmethod
    def of_data(cls, folder: Path, settings: FinetuneRecipe) -> "TokenClassification":
        names = reader.tag_names(folder)
        train = reader.examples(folder, "train", names)
        characters = reader.characters(example.question for example in train)
        return cls(settings.max_seq_len, names, reader.scheme(folder, names), characters)

    @classmethod
    def opened(cls, folder: Path, said: Mapping[str, Any]) -> "TokenClassification":
        scheme, characters = str(said["scheme"]), bool(said["characters"])
        spans.SCHEMES[scheme]
        return cls(int(said["max_seq_len"]), reader.tag_names(folder), scheme, characters)

    def facts(self) -> dict[str, Any]:
        return {"scheme": self.scheme, "characters": self.characters}

    def learned(self) -> dict[str, Any]:
        return {"labels": list(self.labels), **self.facts()}

    def copy_to(self, folder: Path) -> None:
        classification.write_names(folder / classification.LABELS, self.labels)

    def differs(self, folder: Path) -> str:
        return classification.difference(reader.tag_names(folder), self.labels)

    def read(self, folder: Path, split: str) -> Sequence[TaggedWords]:
        return reader.examples(folder, split, self.labels)

    def encode(self, questions: Sequence[Words], tokenizer: Tokenizer) -> WordRows:
        return words.encode(questions, tokenizer, self.max_seq_len, characters=self.characters)

    def targets(self, examples: Sequence[TaggedWords], features: Features) -> np.ndarray:
        """Ids of tags, int16 [N, longest row]; `IGNORED` for tokens that are not the first of a word."""
        assert isinstance(features, WordRows)
        table = np.full((len(examples), int(features.lengths.max())), IGNORED, np.int16)
        for row, example, firsts in zip(table, examples, features.firsts, strict=True):
            row[firsts[firsts >= 0]] = np.array(example.tags, np.int16)[firsts >= 0]
        return table

    def net(self, config: "ErnieConfig") -> "paddle.nn.Layer":
        from ernie_core.model.heads import ErnieForTokenClassification

        return ErnieForTokenClassification(replace(config, num_labels=len(self.labels)))

    def loss(self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray) -> "paddle.Tensor":
        return tags_loss(outputs[0], targets)

    def counts(self, targets: np.ndarray) -> Sequence[int]:
        return (int((targets != IGNORED).sum()),)

    def distributions(
        self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray
    ) -> "Sequence[tuple[paddle.Tensor, paddle.Tensor | None]]":
        """The logits [n, L, K], and which of their tokens are labelled, bool [n, L]."""
        return ((outputs[0], labelled(outputs[0], targets)),)

    def rows(self, outputs: Sequence[np.ndarray], lengths: np.ndarray) -> list[Row]:
        return [(logits[:length],) for logits, length in zip(outputs[0], lengths, strict=True)]

    def misfit(self, outputs: Outputs) -> str:
        if problem := super().misfit(outputs):
            return problem
        count = outputs[0][0].shape[-1]
        return "" if count == len(self.labels) else f"{count} logits for {len(self.labels)} labels"

    def decode(self, outputs: Outputs, features: Features) -> list[TagPrediction]:
        assert isinstance(features, WordRows)
        predictions = []
        for number, (row, firsts) in enumerate(zip(outputs, features.firsts, strict=True)):
            logits = row[0][firsts[firsts >= 0]]
            tags = self.answered(logits.argmax(axis=1), firsts >= 0)
            sure = float(metrics.softmax(logits).max(axis=1).prod())
            predictions.append(TagPrediction(self._entities(features, number, tags), tags, sure))
        return predictions

    def answered(self, chosen: np.ndarray, has_token: np.ndarray) -> list[str]:
        """The tags of all words, from those of the words that have a token.

        A word without one is outside, or, if the words around it are parts of one entity, inside of that.
        """
        tags, before = [OUTSIDE] * len(has_token), -1
        for number, label in zip(np.flatnonzero(has_token).tolist(), chosen.tolist(), strict=True):
            tags[number] = self.labels[label]
            if before >= 0 and number - before > 1 and spans.continues(tags[before], tags[number]):
                inside = f"I-{spans.kind(tags[number])}"
                if inside in self._names:
                    tags[before + 1 : number] = [inside] * (number - before - 1)
            before = number
        return tags

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.labels)

    def _entities(self, features: WordRows, number: int, tags: Sequence[str]) -> list[dict[str, Any]]:
        places = ((span.type, features.span(number, span.start, span.end)) for span in spans.spans(tags))
        return [{"type": kind, "start": start, "end": end, "text": text} for kind, (start, end, text) in places]

    def tags_of(self, example: TaggedWords) -> list[str]:
        """The true tags of an example."""
        assert example.tags is not None
        return [self.labels[tag] for tag in example.tags]

    def truth(self, example: TaggedWords) -> Mapping[str, Any]:
        if example.tags is None:
            return {}
        found = [
            {"type": s.type, "start": s.start, "end": s.end, "text": words.joined(example.question[s.start : s.end])}
            for s in spans.spans(self.tags_of(example))
        ]
        return {"entities": found}

    def graded(self, prediction: TagPrediction, example: TaggedWords) -> float:
        """F1 of the entities."""
        return spans.likeness(spans.spans(prediction.tags), spans.spans(self.tags_of(example)))

    def pairs(self, prediction: TagPrediction, example: TaggedWords) -> Sequence[tuple[str, str]]:
        """The true and the predicted tag of every word that is in a true or a predicted entity; empty: `O`."""
        both = zip(self.tags_of(example), prediction.tags, strict=True)
        return [(_class(one), _class(two)) for one, two in both if (one, two) != (OUTSIDE, OUTSIDE)]

    def scores(self, outputs: Outputs, examples: Sequence[TaggedWords], features: Features) -> dict[str, float]:
        """Words without a token count as answered: most often wrong, if they are in an entity."""
        assert isinstance(features, WordRows)
        pairs = zip(outputs, features.firsts, strict=True)
        found = [self.answered(row[0][firsts[firsts >= 0]].argmax(axis=1), firsts >= 0) for row, firsts in pairs]
        true = [self.tags_of(example) for example in examples]
        hits = sum(one == other for a, b in zip(found, true, strict=True) for one, other in zip(a, b, strict=True))
        return {
            **spans.scores([spans.spans(tags) for tags in found], [spans.spans(tags) for tags in true]),
            "token_accuracy": hits / sum(map(len, true)),
            "loss": mean_loss([row[0] for row in outputs], self.targets(examples, features)),
        }

    def losses(self, outputs: Outputs, examples: Sequence[TaggedWords], features: Features) -> np.ndarray:
        """The mean loss over the labelled tokens of each example, float64 [N]; 0 for one without any."""
        pairs = zip(outputs, self.targets(examples, features), strict=True)
        return np.array([mean_loss([row[0]], wanted[None]) for row, wanted in pairs])

    def submission(
        self, predictions: Sequence[TagPrediction], examples: Sequence[TaggedWords], dataset: str
    ) -> Mapping[str, str]:
        """A word and its tag a line, with a tab between; `msra_ner`: a line for an example, as its own files have."""
        pairs = list(zip(predictions, examples, strict=True))
        if dataset == "msra_ner":
            lines = (f"{e.id}\t{_bound(e.question)}\t{_bound(p.tags)}\n" for p, e in pairs)
            return {"msra_ner_predict.tsv": "".join(lines)}
        blocks = ("".join(f"{_line(w)}\t{t}\n" for w, t in zip(e.question, p.tags, strict=True)) for p, e in pairs)
        return {"predictions.conll": "\n".join(blocks)}

    @property
    def usage(self) -> str:
        return "'text'"

    def question(self, where: str, line: str) -> Words:
        return line

    def asked(self, question: Words) -> Mapping[str, Any]:
        return {"text": question} if isinstance(question, str) else {"tokens": list(question)}

    def shown(self, question: Words) -> str:
        return f"text: {question if isinstance(question, str) else words.joined(question)}"

    def probe(self) -> Sequence[Words]:
        return SENTENCES


def tags_loss(logits: "paddle.Tensor", targets: np.ndarray) -> "paddle.Tensor":
    """Mean cross entropy, float32 [], of logits [n, L, K] over the tokens of targets [n, L or more] that are not
    `IGNORED`; 0 if there are none."""
    import paddle

    count = logits.shape[-1]
    wanted = paddle.to_tensor(targets[:, : logits.shape[1]].astype(np.int64).reshape(-1))
    return paddle.nn.functional.cross_entropy(logits.reshape([-1, count]), wanted, ignore_index=IGNORED)


def labelled(logits: "paddle.Tensor", targets: np.ndarray) -> "paddle.Tensor":
    """Which tokens of logits [n, L, K] have a target, bool [n, L]."""
    import paddle

    return paddle.to_tensor(targets[:, : logits.shape[1]] != IGNORED)


def mean_loss(logits: Sequence[np.ndarray], targets: np.ndarray) -> float:
    """The same of logits [L, K] of every row, float64."""
    pairs = [(row, wanted[: len(row)]) for row, wanted in zip(logits, targets, strict=True)]
    chosen = np.concatenate([row[wanted != IGNORED] for row, wanted in pairs])
    return metrics.cross_entropy(chosen, np.concatenate([wanted[wanted != IGNORED] for _, wanted in pairs]))


def _class(tag: str) -> str:
    return "" if tag == OUTSIDE else tag


def _bound(texts: Sequence[str]) -> str:
    return "\x02".join(map(_line, texts))


def _line(word: str) -> str:
    """A word without characters that would end its line or column."""
    return word.translate(str.maketrans("\t\r\n\x02", "    "))
