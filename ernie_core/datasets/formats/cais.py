"""CAIS, commands to a loudspeaker: tags of characters in one file, intents in another."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar

from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.formats.slu import Queries
from ernie_core.datasets.formats.tagged import TAG, cells
from ernie_core.datasets.source import Line, blocks, numbered, spell
from ernie_core.errors import BadInput
from ernie_core.tasks.metrics import spans
from ernie_core.tasks.metrics.spans import Span


class Cais(Queries):
    """`ch.train` with a character, a space and its tag a line; `ch.train.intent` with an intent for each query."""

    name: ClassVar[str] = "cais"
    summary: ClassVar[str] = (
        "`ch.train`, valid, test: a character and its tag (BIOES) a line; `ch.train.intent`: an intent a line"
    )
    intents: ClassVar[tuple[str, ...]] = (
        "AskKnowledge", "Chat", "ControlSystem", "GetNews", "GetWeather", "PlayFMCrosstalk", "PlayFMFiction",
        "PlayFMJoke", "PlayFMStory", "PlayMusic", "PlayPoem", "Remind", "Sing",
    )  # fmt: skip
    slots: ClassVar[tuple[str, ...]] = (
        "actor_name", "album_name", "author_name", "crosstalk_name", "date", "event", "fiction_name", "fiction_tag",
        "joke_name", "joke_tag", "list", "location", "movie_name", "news_tag", "news_time", "poem_name", "poem_tag",
        "ranking", "singer_name", "song_language", "song_name", "song_type", "story_name", "story_tag",
    )  # fmt: skip

    @classmethod
    def recognises(cls, files: Mapping[str, Path]) -> bool:
        return bool(cls().splits(files))

    def splits(self, files: Mapping[str, Path]) -> Mapping[str, Sequence[Path]]:
        found: dict[str, Sequence[Path]] = {}
        for split, ending in (("train", ".train"), ("dev", ".valid"), ("test", ".test")):
            of = [path for name, path in sorted(files.items()) if name.endswith(ending) and _intents_of(path).is_file()]
            if of:
                found[split] = of
        return found

    def beside(self, path: Path) -> Sequence[Path]:
        return (_intents_of(path),)

    def rows(self, path: Path, split: str) -> Iterator[Example | Rejected]:
        beside = _intents_of(path)
        if not beside.is_file():
            raise BadInput(f"{path}: its intents are missing: they are a file {beside.name} in the same folder")
        intents = [line.text.strip() if isinstance(line, Line) else "" for line in numbered(beside)]
        queries = list(blocks(path))
        if len(queries) != len(intents):
            raise BadInput(f"{path}: {len(queries)} queries, {beside.name} has {len(intents)} intents: give both anew")
        for block, intent in zip(queries, intents, strict=True):
            yield block if isinstance(block, Rejected) else self._query(block, intent)

    def _query(self, block: Sequence[Line], intent: str) -> Example | Rejected:
        pairs = []
        for line in block:
            pair = cells(line.text, " ")
            if isinstance(pair, str):
                return line.reject(pair)
            if not TAG.fullmatch(pair[1]):
                return line.reject(
                    f"tag {spell(pair[1])} of {spell(pair[0])} is none: O, or B-, I-, E- or S- and a slot"
                )
            pairs.append(pair)
        tags = [tag for _, tag in pairs]
        for number in range(1, len(tags) - 1):
            # A space within a slot has the tag O.
            if pairs[number][0].isspace() and spans.continues(tags[number - 1], tags[number + 1]):
                tags[number] = f"I-{spans.kind(tags[number + 1])}"
        starts = [0]
        for token, _ in pairs:
            starts.append(starts[-1] + len(token))
        found = [Span(span.type, starts[span.start], starts[span.end]) for span in spans.spans(tags)]
        return self.example(block[0], "".join(token for token, _ in pairs), intent, found)


def _intents_of(path: Path) -> Path:
    return path.with_name(f"{PurePosixPath(path.name)}.intent")
