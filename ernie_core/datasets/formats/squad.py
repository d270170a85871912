"""Questions with answers in their contexts, in the form of SQuAD, and the flat form of CLUE.

Nested, one document: {"data": [{"paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text",
"answer_start"}]}]}]}]}. Flat, an object a line or a list of them: {"id", "context", "question", "answers": {"text":
[...], "answer_start": [...]}}.

An answer whose start is negative is not in the context as it is written, which CMRC 2018 has: it counts for scores, and
nothing is learned from it. A start at which the context has other characters is a fault; but CMRC 2018 is published
with some that are one or two characters off, and with a few empty questions. There such an answer counts for scores
too, so that these are those of its script, and what cannot be learned is left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ernie_core.datasets.format import Example, Format, Rejected
from ernie_core.datasets.formats import json_files
from ernie_core.datasets.formats.json_files import Faulty
from ernie_core.errors import BadInput
from ernie_core.tasks.readers import rows
from ernie_core.tasks.readers.question_answering import NOWHERE, misplaced

_CMRC_ID = re.compile(r'"id"\s*:\s*"(?:TRAIN|DEV|TRIAL|TEST)_\d+')
_DUREADER_ID = re.compile(r'"id"\s*:\s*"[0-9a-f]{32}"')


_OFF = 2
"""Most characters by which published starts are off."""


class KnownFault(Faulty):
    """A fault that CMRC 2018 is published with."""


class _Squad(Format):
    """What all of them have in common."""

    task = "question_answering"
    lenient: ClassVar[bool] = False
    """Whether the data are published with faults that are no reason to refuse them."""
    names: ClassVar[Mapping[str, tuple[str, ...]]]
    """Names of the files of every split, the first that is there is taken."""

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        found = {}
        for split, names in self.names.items():
            if path := next((path for name in names for path in files.values() if path.name == name), None):
                found[split] = [path]
        return found

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        for where, asked, context in _questions(path):
            try:
                values = _values(asked, context, split, self.lenient)
                yield Example(where, values, group=values["context"])
            except Faulty as fault:
                yield Rejected(where, str(fault), expected=self.lenient and isinstance(fault, KnownFault))


class Cmrc2018(_Squad):
    name = "cmrc2018"
    lenient = True
    summary = "CMRC 2018, files cmrc2018_train.json and so on, nested as in SQuAD"
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train": ("cmrc2018_train.json",),
        "dev": ("cmrc2018_dev.json",),
        "test": ("cmrc2018_test.json", "cmrc2018_trial.json"),
    }

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        return any(_is_named(path, cls.names) and _is_nested(json_files.head(path)) for path in files.values())


class ClueCmrc2018(_Squad):
    name = "clue/cmrc2018"
    lenient = True
    summary = "CMRC 2018 as CLUE publishes it, files train.json and so on, nested or an object a line"
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        split: tuple(f"{name}{at}{end}" for at in named for name in ("", "cmrc2018_") for end in (".json", ".jsonl"))
        for split, named in (("train", ("train",)), ("dev", ("dev",)), ("test", ("test", "trial")))
    }

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        heads = [json_files.head(path) for path in files.values() if _is_named(path, cls.names)]
        return not Cmrc2018.recognises(files) and any(_CMRC_ID.search(text) for text in heads)


class Drcd(_Squad):
    name = "drcd"
    summary = "DRCD, traditional Chinese, files DRCD_training.json and so on"
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train": ("DRCD_training.json",),
        "dev": ("DRCD_dev.json",),
        "test": ("DRCD_test.json",),
    }

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        return any(_is_named(path, cls.names) and _is_nested(json_files.head(path)) for path in files.values())


class DureaderRobust(_Squad):
    name = "dureader_robust"
    summary = "DuReader robust, files train.json and so on, nested as in SQuAD"
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train": ("train.json",),
        "dev": ("dev.json",),
        "test": ("test.json", "test1.json"),
    }

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        heads = [json_files.head(path) for path in files.values() if _is_named(path, cls.names)]
        return any(_is_nested(text) and _DUREADER_ID.search(text) for text in heads)


class Xquad(_Squad):
    """Made to test on; all languages have the same questions, so one of them is a data set."""

    name = "xquad"
    summary = "XQuAD, one file xquad.LANGUAGE.json, all of it test data"
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        return bool(cls._languages(files))

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        found = self._languages(files)
        if len(found) > 1:
            raise BadInput(
                f"{', '.join(path.name for path in found)}: the same questions in several languages, give one of them"
            )
        return {"test": found}

    def facts(self) -> Mapping[str, Any]:
        return {"metric": "squad"}

    @staticmethod
    def _languages(files: Mapping[str, Path]) -> list[Path]:
        return sorted(path for path in files.values() if re.fullmatch(r"xquad\.[a-z]{2}\.json", path.name))


def _is_named(path: Path, names: Mapping[str, tuple[str, ...]]) -> bool:
    return any(path.name in choices for choices in names.values())


def _is_nested(text: str) -> bool:
    return text.startswith("{") and '"paragraphs"' in text


def _questions(path: Path) -> Iterator[tuple[str, Any, Any]]:
    """Every question with its place and its context; a part of the file that is no question in place of one."""
    beginning = json_files.head(path)
    if not _is_nested(beginning) and not beginning.startswith("["):
        yield from ((where, value, None) for where, value in json_files.objects(path))
        return
    content = json_files.document(path)
    if isinstance(content, list):
        yield from ((f"{path}: question {number}", value, None) for number, value in enumerate(content, 1))
        return
    articles = content.get("data") if isinstance(content, dict) else None
    if not isinstance(articles, list):
        raise BadInput(f'{path}: no list "data" of articles, as SQuAD has: get the file again')
    number = 0
    for place, article in enumerate(articles, 1):
        try:
            paragraphs = json_files.member(article, "paragraphs", list)
        except Faulty as fault:
            yield f"{path}: article {place}", fault, None
            continue
        for paragraph in paragraphs:
            number += 1
            yield from _of_paragraph(f"{path}: paragraph {number}", paragraph)


def _of_paragraph(where: str, paragraph: Any) -> Iterator[tuple[str, Any, Any]]:
    try:
        asked, context = json_files.member(paragraph, "qas", list), json_files.text(paragraph, "context")
    except Faulty as fault:
        yield where, fault, None
        return
    yield from ((f"{where}, question {at}", question, context) for at, question in enumerate(asked, 1))


def _values(asked: Any, context: Any, split: str, lenient: bool) -> Mapping[str, Any]:
    """The row of a question; its context is its own if none is given."""
    if not json_files.member(asked, "question", str).strip():
        raise KnownFault('"question" is empty')
    question = json_files.text(asked, "question")
    context = json_files.text(asked, "context") if context is None else context
    found = {
        "id": json_files.identifier(json_files.member(asked, "id", object)),
        "context": context,
        "question": question,
    }
    if asked.get("is_impossible") is True:
        return {**found, "answers": {"text": [], "answer_start": []}}
    pairs = _pairs(asked, split)
    if split == "test" and not any(str(text).strip() for text, _ in pairs):
        return found
    answers = dict.fromkeys(_answer(text, start, context, lenient) for text, start in pairs)
    if not answers:
        raise Faulty('"answers" is empty, and "is_impossible" is not true')
    if split == "train" and all(start == NOWHERE for _, start in answers):
        problems = (misplaced(context, text, start) for text, start in pairs if start >= 0)
        why = next(problems, f"answer {rows.spell(pairs[0][0])} is not in the context")
        raise KnownFault(f"{why}, nothing can be learned from it")
    return {**found, "answers": {"text": [text for text, _ in answers], "answer_start": [at for _, at in answers]}}


def _pairs(asked: Any, split: str) -> list[tuple[Any, Any]]:
    """Texts and starts of the answers, as they are given."""
    if split == "test" and "answers" not in asked:
        return []
    if isinstance(asked.get("answers"), dict):
        texts, starts = (json_files.member(asked["answers"], key, list) for key in ("text", "answer_start"))
        if len(texts) != len(starts):
            raise Faulty(f'"answers" has {len(texts)} texts and {len(starts)} starts')
        return list(zip(texts, starts, strict=True))
    given = json_files.member(asked, "answers", list)
    return [(json_files.member(a, "text", str), json_files.member(a, "answer_start", int)) for a in given]


def _answer(text: Any, start: Any, context: str, lenient: bool) -> tuple[str, int]:
    text = json_files.whole(text, "text")
    if isinstance(start, bool) or not isinstance(start, int):
        raise Faulty(f'"answer_start" is {rows.spell(start)}, no whole number')
    if start < 0:
        return text, NOWHERE
    if problem := misplaced(context, text, start):
        if lenient and any(context.startswith(text, max(start + by, 0)) for by in range(-_OFF, _OFF + 1)):
            return text, NOWHERE
        raise Faulty(problem)
    return text, start
