"""The answer to a question, as a piece of its context."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.tasks import data, windows
from ernie_core.tasks.features import Features
from ernie_core.tasks.metrics import squad as metrics
from ernie_core.tasks.readers import question_answering as reader
from ernie_core.tasks.readers.question_answering import AskedContext
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.spans import Search, Span
from ernie_core.tasks.task import Outputs, Prediction, Row, Task
from ernie_core.tasks.windows import Windows
from ernie_core.text import normalise
from ernie_core.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import paddle

    from ernie_core.model.config import ErnieConfig

Question = tuple[str, str]
"""Question and context."""
UNKNOWN = -1
"""Target of a window of which it is not known where the answer is."""
_FILES = {"clue/cmrc2018": "cmrc2018_predict.json"}
"""Names of submissions that are not made from the name of the data set."""
PROBE = (
    ("几点开门？", "博物馆早上九点开门。"),
    (
        "When does it close?",
        "周一闭馆，其他日子 17:30 closes；票价是20元，学生半价，six children come in free of charge。" * 3,
    ),
    ("在哪里", ""),
)


@dataclass(frozen=True)
class AnswerPrediction(Prediction):
    """The best answer and where it is in the context; an empty text if there is none."""

    answer: str
    start: int
    end: int
    n_best: tuple[Span, ...]
    """The best answers, this one first."""

    @property
    def confidence(self) -> float:
        return self.n_best[0].confidence

    def row(self) -> Mapping[str, Any]:
        best = [{**asdict(span), "confidence": round(span.confidence, 6)} for span in self.n_best]
        place = {"start": self.start, "end": self.end}
        return {"predicted": self.answer, **place, "confidence": round(self.confidence, 6), "n_best": best}

    def text(self) -> str:
        said = f"answer: {' '.join(self.answer.split())} ({self.start}-{self.end})" if self.answer else "no answer"
        return f"{said}, confidence: {self.confidence:.4f}"


@dataclass(frozen=True)
class QuestionAnswering(Task[Question, AnswerPrediction]):
    """Cross entropy of the first and of the last token of the answer, in every window of the context."""

    name: ClassVar[str] = "question_answering"
    outputs: ClassVar[tuple[str, ...]] = ("start_logits", "end_logits")
    features: ClassVar[type[Features]] = Windows

    max_seq_len: int
    max_query_length: int
    doc_stride: int
    search: Search
    metric: str
    """Rule of the scores, one of metrics/squad.py."""

    @classmethod
    def of_data(cls, folder: Path, settings: FinetuneRecipe) -> "QuestionAnswering":
        train = reader.examples(folder, "train")
        search = Search(
            settings.n_best_size,
            settings.max_answer_length,
            reader.have_unanswered(train),
            settings.null_score_diff_threshold,
        )
        return cls(settings.max_seq_len, settings.max_query_length, settings.doc_stride, search, _metric(folder, train))

    @classmethod
    def opened(cls, folder: Path, said: Mapping[str, Any]) -> "QuestionAnswering":
        search = Search(
            int(said["n_best_size"]),
            int(said["max_answer_length"]),
            bool(said["unanswered"]),
            float(said["null_score_diff_threshold"]),
        )
        if said["metric"] not in metrics.RULES:
            raise ValueError(f"metric {said['metric']} is not known")
        total, asked, stride = (int(said[name]) for name in ("max_seq_len", "max_query_length", "doc_stride"))
        return cls(total, asked, stride, search, said["metric"])

    def facts(self) -> dict[str, Any]:
        lengths = {"max_query_length": self.max_query_length, "doc_stride": self.doc_stride}
        return {**lengths, **asdict(self.search), "metric": self.metric}

    def read(self, folder: Path, split: str) -> Sequence[AskedContext]:
        return reader.examples(folder, split)

    def encode(self, questions: Sequence[Question], tokenizer: Tokenizer) -> Windows:
        for question in questions:
            if isinstance(question, str) or len(question) != 2:
                raise BadInput(f"this model answers pairs of a question and a context, not {question!r}")
        return windows.encode(questions, tokenizer, self.max_seq_len, self.max_query_length, self.doc_stride)

    def truth(self, example: AskedContext) -> Mapping[str, Any]:
        return {"answers": [answer.text for answer in example.answers]} if example.answers is not None else {}

    def targets(self, examples: Sequence[AskedContext], features: Features) -> np.ndarray:
        """First and last token of the answer in every window, int64 [windows, 2]; `[CLS]` if it is not in there."""
        assert isinstance(features, Windows)
        found = np.zeros((len(features.lengths), 2), np.int64)
        for number, (example, rows) in enumerate(zip(examples, features.rows_of, strict=True)):
            answer = example.located
            if answer is None:
                found[rows] = UNKNOWN if example.answers else 0
                continue
            span = windows.token_span(features.contexts[number], answer.start, answer.start + len(answer.text))
            if span is not None:
                inside = np.array(span) - features.begins[rows][:, None]
                whole = (inside[:, 0] >= 0) & (inside[:, 1] < features.sizes[rows])
                found[rows] = np.where(whole[:, None], inside + features.at[rows][:, None], 0)
        return found

    def net(self, config: "ErnieConfig") -> "paddle.nn.Layer":
        from ernie_core.model.heads import ErnieForQuestionAnswering

        return ErnieForQuestionAnswering(config)

    def loss(self, outputs: "Sequence[paddle.Tensor]", targets: np.ndarray) -> "paddle.Tensor":
        import paddle

        places = paddle.to_tensor(targets)
        start, end = (paddle.nn.functional.cross_entropy(outputs[k], places[:, k]) for k in range(2))
        return (start + end) / 2

    def rows(self, outputs: Sequence[np.ndarray], lengths: np.ndarray) -> list[Row]:
        starts, ends = outputs
        return [(start[:length], end[:length]) for start, end, length in zip(starts, ends, lengths, strict=True)]

    def misfit(self, outputs: Outputs) -> str:
        if problem := super().misfit(outputs):
            return problem
        shapes = [logits.shape for logits in outputs[0]]
        return "" if shapes[0] == shapes[1] else f"start_logits of shape {shapes[0]}, end_logits of shape {shapes[1]}"

    def decode(self, outputs: Outputs, features: Features) -> list[AnswerPrediction]:
        assert isinstance(features, Windows)
        found = []
        for question in range(len(features.questions)):
            best = self.search.best(outputs, features, question)
            found.append(AnswerPrediction(best[0].text, best[0].start, best[0].end, best))
        return found

    def scores(self, outputs: Outputs, examples: Sequence[AskedContext], features: Features) -> dict[str, float]:
        pairs = list(zip(self.decode(outputs, features), examples, strict=True))
        return {
            "f1": float(np.mean([metrics.f1(self.metric, p.answer, e.texts) for p, e in pairs])),
            "exact_match": float(np.mean([metrics.exact_match(self.metric, p.answer, e.texts) for p, e in pairs])),
            "loss": _mean_loss(outputs, self.targets(examples, features)),
        }

    def graded(self, prediction: AnswerPrediction, example: AskedContext) -> float:
        """F1 of the answer."""
        return metrics.f1(self.metric, prediction.answer, example.texts)

    def submission(
        self, predictions: Sequence[AnswerPrediction], examples: Sequence[AskedContext], dataset: str
    ) -> Mapping[str, str]:
        """One JSON object, id -> answer, as the scripts of CMRC 2018 and SQuAD read it."""
        if not dataset:
            return {}
        answers = {example.id: found.answer for found, example in zip(predictions, examples, strict=True)}
        name = _FILES.get(dataset, f"{dataset.replace('/', '_')}_predict.json")
        return {name: json.dumps(answers, ensure_ascii=False, indent=1) + "\n"}

    def figures(self, prediction: AnswerPrediction) -> Mapping[str, float]:
        """1 for an answer, whose mean is the share of questions with one."""
        return {"answered": float(bool(prediction.answer))}

    @property
    def usage(self) -> str:
        return "$'question\\tcontext'"

    def question(self, where: str, line: str) -> Question:
        """The question and the context, separated by a tab."""
        asked, tab, context = line.partition("\t")
        if not tab:
            raise BadInput(
                f"{where}: no tab: write the question, a tab, and the context, in a shell as $'question\\tcontext'"
            )
        return asked, context

    def asked(self, question: Question) -> Mapping[str, Any]:
        return {"question": question[0], "context": question[1]}

    def shown(self, question: Question) -> str:
        return f"question: {question[0]}"

    def probe(self) -> Sequence[Question]:
        return PROBE


def _metric(folder: Path, examples: Sequence[AskedContext]) -> str:
    """The rule that the data name; else that of CMRC 2018 for Chinese, and SQuAD's for other languages."""
    named = data.read(folder).facts.get("metric")
    if named is None:
        chinese = sum(any(map(normalise.is_han, example.context)) for example in examples)
        return "cmrc2018" if 2 * chinese > len(examples) else "squad"
    if named not in metrics.RULES:
        where = folder / data.FILE
        raise BadInput(f"{where}: metric {json.dumps(named)} is not known, choose from: {', '.join(metrics.RULES)}")
    return str(named)


def _mean_loss(outputs: Outputs, targets: np.ndarray) -> float:
    """Mean of both cross entropies over the windows whose answer is known; 0 if there is none."""
    losses = []
    for row, places in zip(outputs, targets, strict=True):
        if places[0] != UNKNOWN:
            for logits, place in zip(row, places, strict=True):
                shifted = np.asarray(logits, np.float64) - logits.max()
                losses.append(np.log(np.exp(shifted).sum()) - shifted[place])
    return float(np.mean(losses)) if losses else 0.0
