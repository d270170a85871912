"""Spoken-language understanding, an intent and slots; NLPCC 2018 task 4 as its publishers have it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Format, Rejected
from ernie_core.datasets.source import Line, columns, first_lines, spell
from ernie_core.tasks.metrics.spans import Span
from ernie_core.wording import listed

_MARK = re.compile(r"<(/?)([A-Za-z_]+)>")


class Queries(Format):
    """A text, its intent, and slots in it."""

    task: ClassVar[str] = "joint_intent_slots"
    intents: ClassVar[tuple[str, ...]]
    slots: ClassVar[tuple[str, ...]]

    def labels(self) -> Mapping[str, Sequence[str]]:
        return {"intent_labels.txt": self.intents, "slot_labels.txt": self.slots}

    def example(
        self, line: Line, text: str, intent: str, found: Sequence[Span], *, id: str = "", group: str = ""
    ) -> Example | Rejected:
        """An example of these slots, whose places are characters."""
        if not text.strip():
            return line.reject("the text is empty")
        if intent not in self.intents:
            return line.reject(f"intent {spell(intent)} is unknown, it must be one of {listed(self.intents)}")
        strange = next((span.type for span in found if span.type not in self.slots), None)
        if strange is not None:
            return line.reject(f"slot {spell(strange)} is unknown, it must be one of {listed(self.slots, 40)}")
        slots = [{"slot": span.type, "start": span.start, "end": span.end} for span in found]
        values: dict[str, Any] = {"id": id} if id else {}
        return Example(line.where, {**values, "text": text, "intent": intent, "slots": slots}, group)


class Nlpcc2018(Queries):
    """Four columns: dialogue, query, intent, and the query with marks such as `<song>...</song>`."""

    name: ClassVar[str] = "nlpcc2018"
    summary: ClassVar[str] = "TSV: dialogue, query, intent, the query with marks `<song>...</song>`"
    intents: ClassVar[tuple[str, ...]] = (
        "OTHERS", "music.play", "music.pause", "music.prev", "music.next", "navigation.navigation", "navigation.open",
        "navigation.start_navigation", "navigation.cancel_navigation", "phone_call.make_a_phone_call",
        "phone_call.cancel",
    )  # fmt: skip
    slots: ClassVar[tuple[str, ...]] = (
        "song", "singer", "theme", "style", "age", "toplist", "emotion", "language", "instrument", "scene",
        "destination", "custom_destination", "origin", "phone_num", "contact_name",
    )  # fmt: skip

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        path = names.sample(names.with_suffix(files, (".txt", ".tsv")))
        rows = [text.split("\t") for text in first_lines(path, 1)] if path else []
        return bool(rows) and all(len(row) == 4 and row[2] in cls.intents for row in rows)

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        return names.by_split(names.with_suffix(files, (".txt", ".tsv")))

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        for found in columns(path, (4,)):
            if isinstance(found, Rejected):
                yield found
                continue
            line, (dialogue, query, intent, marked) = found
            if "||" in marked:
                yield line.reject("the query is corrected with ||", expected=True)
                continue
            read = _unmarked(marked)
            if isinstance(read, str):
                yield line.reject(read)
            elif read[0] != query:
                yield line.reject(f"without its marks the text is {spell(read[0])}, the query {spell(query)}")
            else:
                yield self.example(line, query, intent, read[1], group=dialogue)


def _unmarked(marked: str) -> tuple[str, list[Span]] | str:
    """A text without its marks and the slots that they say, or what is wrong with them."""
    text, found, open_, at = "", list[Span](), "", 0
    start = 0
    for mark in _MARK.finditer(marked):
        text, at = text + marked[at : mark.start()], mark.end()
        closes, slot = bool(mark[1]), mark[2]
        if closes != bool(open_) or (closes and slot != open_):
            return f"mark {spell(mark[0])} {'closes' if closes else 'is within'} {spell(open_) if open_ else 'nothing'}"
        if closes and len(text) == start:
            return f"slot {spell(slot)} is empty"
        if closes:
            found.append(Span(slot, start, len(text)))
        open_, start = ("", 0) if closes else (slot, len(text))
    if open_:
        return f"mark {spell(f'<{open_}>')} is not closed"
    return text + marked[at:], found
