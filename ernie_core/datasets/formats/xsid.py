"""xSID, queries in many languages: CoNLL blocks with comments."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ernie_core.datasets import names
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.slu import Queries
from ernie_core.datasets.formats.tagged import TAG
from ernie_core.datasets.source import Line, blocks, first_lines, spell
from ernie_core.tasks.metrics import spans
from ernie_core.tasks.metrics.spans import Span


class Xsid(Queries):
    """CoNLL blocks with comments `# text = ` and `# intent = `, then number, word, intent and tag a line.

    The translations of one English query are a group.
    """

    name: ClassVar[str] = "xsid"
    summary: ClassVar[str] = (
        "`en.train.conll` and so on: blocks with `# text` and `# intent`; number, word, intent, tag"
    )
    intents: ClassVar[tuple[str, ...]] = (
        "AddToPlaylist", "BookRestaurant", "PlayMusic", "RateBook", "SearchCreativeWork", "SearchScreeningEvent",
        "alarm/cancel_alarm", "alarm/modify_alarm", "alarm/set_alarm", "alarm/show_alarms", "alarm/snooze_alarm",
        "alarm/time_left_on_alarm", "reminder/cancel_reminder", "reminder/set_reminder", "reminder/show_reminders",
        "weather/checkSunrise", "weather/checkSunset", "weather/find",
    )  # fmt: skip
    slots: ClassVar[tuple[str, ...]] = (
        "album", "artist", "best_rating", "condition_description", "condition_temperature", "cuisine", "datetime",
        "entity_name", "facility", "genre", "location", "movie_name", "movie_type", "music_item",
        "object_location_type", "object_name", "object_select", "object_type", "party_size_description",
        "party_size_number", "playlist", "rating_unit", "rating_value", "recurring_datetime", "reference",
        "reference-part", "reminder/todo", "restaurant_name", "restaurant_type", "served_dish", "service", "sort",
        "track", "weather/attribute",
    )  # fmt: skip

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        path = names.sample(names.with_suffix(files, (".conll",)))
        return path is not None and any(text.startswith("# intent = ") for text in first_lines(path, 6))

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        return names.by_split(names.with_suffix(files, (".conll",)))

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        for block in blocks(path):
            yield block if isinstance(block, Rejected) else self._query(block)

    def _query(self, block: Sequence[Line]) -> Example | Rejected:
        facts: dict[str, str] = {}
        words: list[tuple[Line, list[str]]] = []
        for line in block:
            if line.text.startswith("#") and not words:
                key, _, value = line.text.removeprefix("#").partition("=")
                facts[key.strip()] = value.strip()
            elif len(row := line.text.split("\t")) == 4:
                words.append((line, row))
            else:
                return line.reject(f"{len(row)} column(s) instead of 4, separated by tabs")
        for key in ("text", "intent"):
            if key not in facts:
                return block[0].reject(f"no comment `# {key} = ...`")
        text, at, places = facts["text"], 0, list[tuple[int, int]]()
        for line, (_, word, _, tag) in words:
            if not TAG.fullmatch(tag):
                return line.reject(f"tag {spell(tag)} of {spell(word)} is none: O, or B- or I- and a slot")
            start = text.find(word, at)
            if start < 0:
                return line.reject(f"word {spell(word)} is not in the rest of the text, {spell(text[at:])}")
            at = start + len(word)
            places.append((start, at))
        tagged = spans.spans([row[3] for _, row in words])
        found = [Span(span.type, places[span.start][0], places[span.end - 1][1]) for span in tagged]
        return self.example(block[0], text, facts["intent"], found, group=facts.get("text-en", text))
