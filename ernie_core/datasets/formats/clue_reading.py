"""Reading tasks of CLUE with choices: idioms for the blanks of a text (CHID), questions about a text (C3)."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ernie_core.datasets.format import Example, Format, Rejected
from ernie_core.datasets.formats import json_files
from ernie_core.datasets.formats.json_files import Faulty
from ernie_core.errors import BadInput
from ernie_core.tasks.choices import BLANK
from ernie_core.tasks.readers import rows

INVALID = "无效答案"
"""Choice in place of one that is missing."""
CHOICES = 4
"""Number of choices of a question of C3."""


class Chid(Format):
    """An object a line: `content`, a list of texts with blanks such as `#idiom12#`, and `candidates`.

    The answers are in a file beside it, `train_answer.json` for `train.json`, {"#idiom12#": 3}; or in the rows,
    {"answers": {"candidate_id": [3]}}. Also the form of FewCLUE: one text with one blank `#idiom#`, and `answer`.
    """

    name = "clue/chid"
    task = "multiple_choice"
    summary = "CHID of CLUE or FewCLUE, files train.json with train_answer.json and so on"
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "train": ("train.json", "train.jsonl", "train_few_all.json"),
        "dev": ("dev.json", "dev.jsonl", "validation.jsonl", "dev_few_all.json"),
        "test": ("test1.1.json", "test.json", "test.jsonl", "test_public.json"),
    }

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        heads = (json_files.head(path) for path in _named(files, cls.names))
        return any('"candidates"' in text and '"content"' in text for text in heads)

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        return {
            split: found[:1] for split, names in self.names.items() if (found := _named(files, {split: names}))
        }  # fmt: skip

    def beside(self, path: Path) -> Sequence[Path]:
        return (_answers_of(path),)

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        beside = _answers_beside(path)
        for number, (where, value) in enumerate(json_files.objects(path), 1):
            try:
                yield from _of_texts(where, value, split, beside, f"{path.stem}:{number}")
            except Faulty as fault:
                yield Rejected(where, str(fault))


class C3(Format):
    """One document: [[[line, ...], [{"question", "choice": [...], "answer"}], id], ...]; an answer is a choice.

    Questions get exactly 4 choices: more are cut, fewer are filled up.
    """

    name = "clue/c3"
    task = "multiple_choice"
    summary = "C3, files c3-d-train.json, c3-m-train.json and so on, with or without `c3-`"
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        split: tuple(f"{before}{part}-{split}.json" for part in "md" for before in ("c3-", ""))
        for split in ("train", "dev", "test")
    }
    tests: ClassVar[tuple[str, ...]] = ("test1.1.json", "test1.0.json", "test.json")

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        named = _named(files, {**cls.names, "tests": cls.tests})
        return any(re.match(r"\[\s*\[\s*\[", json_files.head(path)) for path in named)

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        found = {split: _named(files, {split: names}) for split, names in self.names.items()}
        found["test"] = found["test"] or _named(files, {"test": self.tests})[:1]
        return {split: paths for split, paths in found.items() if paths}

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        content = json_files.document(path)
        if not isinstance(content, list):
            raise BadInput(f"{path}: no list of documents, as C3 is: get the file again")
        for number, document in enumerate(content, 1):
            where = f"{path}: document {number}"
            try:
                context, questions, name = _document(document)
            except Faulty as fault:
                yield Rejected(where, str(fault))
                continue
            for at, question in enumerate(questions, 1):
                place = f"{where}, question {at}"
                try:
                    own = name if len(questions) == 1 else f"{name}-{at}"
                    yield Example(place, _choice(context, question, own, split), group=str(name))
                except Faulty as fault:
                    yield Rejected(place, str(fault))


def _named(files: Mapping[str, Path], names: Mapping[str, tuple[str, ...]]) -> list[Path]:
    """The files of these names, in the order of the names."""
    return [path for choices in names.values() for name in choices for path in files.values() if path.name == name]


def _answers_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}_answer.json")


def _answers_beside(path: Path) -> Mapping[str, Any]:
    """Blank -> number of its idiom, from the file of answers; empty if there is no such file."""
    beside = _answers_of(path)
    if not beside.exists():
        return {}
    content = json_files.document(beside)
    if not isinstance(content, dict):
        raise BadInput(f'{beside}: not an object such as {{"#idiom12#": 3}}: get the file again')
    return content


def _of_texts(
    where: str, value: Any, split: str, beside: Mapping[str, Any], group: str
) -> Iterator[Example | Rejected]:  # fmt: skip
    """An example for every blank in the texts of a line; they share its candidates."""
    candidates = _texts(value, "candidates")
    content = json_files.member(value, "content", list) if not isinstance(value.get("content"), str) else None
    texts = [value["content"]] if content is None else content
    blanks = [(json_files.whole(text, "content"), blank) for text in texts for blank in BLANK.findall(str(text))]
    if not blanks:
        raise Faulty('"content" has no blank such as #idiom12#')
    for text in texts:
        if twice := next((blank for blank, count in Counter(BLANK.findall(str(text))).items() if count > 1), None):
            raise Faulty(f'"content" has the blank {twice} more than once in a text: give each a number of its own')
    for number, (context, blank) in enumerate(blanks):
        place = where if len(blanks) == 1 else f"{where}, blank {number + 1}"
        try:
            name = json_files.member(value, "id", object) if blank == "#idiom#" else blank
            found: dict[str, Any] = {
                "id": json_files.identifier(name),
                "context": context,
                "question": blank,
                "choices": candidates,
            }
            if len(blanks) > 1:
                found["group"] = group
            label = _candidate(value, blank, number, beside)
            if label is not None or split != "test":
                found["label"] = _checked(label, len(candidates), blank)
            yield Example(place, found, group=group)
        except Faulty as fault:
            yield Rejected(place, str(fault))


def _candidate(value: Mapping[str, Any], blank: str, number: int, beside: Mapping[str, Any]) -> Any:
    """What is given as the number of the right candidate; None if nothing is."""
    if "answer" in value:
        return value["answer"]
    if isinstance(value.get("answers"), dict):
        ids = json_files.member(value["answers"], "candidate_id", list)
        return ids[number] if number < len(ids) else None
    return beside.get(blank)


def _checked(label: Any, count: int, blank: str) -> int:
    if label is None:
        raise Faulty(f"no answer for {blank}, neither here nor in the file of answers beside it")
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < count:
        raise Faulty(f"the answer for {blank} is {rows.spell(label)}, it must be 0 to {count - 1}")
    return label


def _texts(value: Any, key: str) -> list[str]:
    """A list of at least two texts."""
    found = json_files.member(value, key, list)
    if len(found) < 2:
        raise Faulty(f'"{key}" has {len(found)} text(s), at least two are needed')
    return [json_files.whole(text, key) for text in found]


def _document(value: Any) -> tuple[str, list[Any], Any]:
    """Context, questions and name of a document."""
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(part, list) for part in value[:2]):
        raise Faulty(f"{rows.spell(value)} is not [[line, ...], [question, ...], id]")
    lines, questions, name = value
    name = json_files.identifier(name)
    for line in lines:
        if not isinstance(line, str):
            raise Faulty(f"line {rows.spell(line)} of the context is no text")
    return json_files.whole("\n".join(lines), "context"), questions, name


def _choice(context: str, question: Any, name: Any, split: str) -> Mapping[str, Any]:
    given = json_files.member(question, "choice", list)
    if not given:
        raise Faulty('"choice" is empty')
    choices = [json_files.whole(choice, "choice") for choice in given][:CHOICES]
    asked = json_files.text(question, "question")
    found: dict[str, Any] = {
        "id": json_files.identifier(question.get("id", name)),
        "context": context,
        "question": asked,
    }
    found["choices"] = choices + [INVALID] * (CHOICES - len(choices))
    if split == "test" and not question.get("answer"):
        return found
    answer = json_files.text(question, "answer")
    if answer not in choices:
        kept = f" that are kept, the first {CHOICES}" if answer in given else ""
        raise Faulty(f"answer {rows.spell(answer)} is none of the choices{kept}: {rows.spell(choices)}")
    return {**found, "label": choices.index(answer)}
