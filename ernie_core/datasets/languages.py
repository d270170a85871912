"""Data in several languages whose rows are translations of each other: which of them train, dev and test have."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ernie_core.datasets.choosing import Chosen
from ernie_core.datasets.known import LANGUAGES, MODES, SOURCE, TRANSFER, TRANSLATE
from ernie_core.datasets.names import in_language, language_of, languages_of, split_of
from ernie_core.datasets.reading import Row
from ernie_core.errors import BadInput
from ernie_core.wording import choice, listed


@dataclass(frozen=True)
class Languages:
    """The languages of each split. With `cross-lingual-transfer` train is English alone, and English dev chooses the
    best weights; with `translate-train-all` both have all. Dev and test always have all."""

    mode: str
    all: tuple[str, ...] = LANGUAGES

    @classmethod
    def chosen(cls, mode: str | None, wanted: Sequence[str]) -> "Languages":
        """What a person said, in the published order. BadInput without a mode, or for an unknown language."""
        if mode is None:
            raise BadInput(
                f"these data are in several languages: say what to train on, `mode: {TRANSFER}` or {TRANSLATE}"
            )
        if mode not in MODES:
            raise BadInput(f"mode `{mode}` is not known, {choice(mode, MODES)}")
        if strange := [language for language in wanted if language not in LANGUAGES]:
            raise BadInput(f"languages: `{strange[0]}` is none of {', '.join(LANGUAGES)}")
        found = tuple(language for language in LANGUAGES if language in wanted) if wanted else LANGUAGES
        if mode == TRANSFER and SOURCE not in found:
            raise BadInput(f"languages {', '.join(found)}: {mode} trains on {SOURCE}, add it")
        return cls(mode, found)

    @property
    def deciding(self) -> tuple[str, ...]:
        """The languages by which the best weights are chosen: those of train."""
        return (SOURCE,) if self.mode == TRANSFER else self.all

    def of(self, split: str) -> tuple[str, ...]:
        """The languages of a split."""
        return self.deciding if split == "train" else self.all

    def read(self, split: str, cut: bool) -> tuple[str, ...]:
        """The languages of the rows to read for a split; `cut`: dev or test is cut from train, which needs all then."""
        return self.all if cut else self.of(split)

    def narrowed(self, chosen: Chosen, *, cut: bool) -> Chosen:
        """The files of the splits without those in languages that are not read, in the order of languages. BadInput for
        a language without a file, where every file has its language in its name."""
        found, unused = {}, list(chosen.unused)
        for split, names in chosen.splits.items():
            wanted = self.read(split, cut)
            by_name = {name: language_of(name) for name in names}
            if all(by_name.values()):
                self._check(split, set(by_name.values()), wanted, names, by_file=True)
            found[split] = [name for language in ("", *wanted) for name in names if by_name[name] == language]
            unused += [name for name in names if name not in found[split]]
        return Chosen(found, tuple(sorted(unused)))

    def settled(self, parts: Mapping[str, Sequence[Row]], files: Mapping[str, Sequence[str]]) -> dict[str, list[Row]]:
        """The rows of each split in its languages, one language after the other. BadInput for a language without rows,
        with the files that were read."""
        found = {}
        for split, rows in parts.items():
            by_language: dict[str, list[Row]] = {language: [] for language in self.of(split)}
            for row in rows:
                if row.language in by_language:
                    by_language[row.language].append(row)
            there = [language for language, held in by_language.items() if held]
            read = files.get(split) or files["train"]
            self._check(split, there, self.of(split), read)
            found[split] = [row for held in by_language.values() for row in held]
        return found

    def facts(self) -> dict[str, object]:
        """What `task.json` says of them."""
        return {"mode": self.mode, "languages": list(self.all), "deciding_languages": list(self.deciding)}

    def _check(
        self, split: str, there: Collection[str], wanted: Sequence[str], names: Sequence[str], *, by_file: bool = False
    ) -> None:
        """BadInput for a wanted language that is not there; `by_file`: each file of these names is in one language."""
        if missing := [language for language in wanted if language not in there]:
            what = f"a file such as {in_language(names[0], missing[0])}" if by_file else "rows of it"
            raise BadInput(
                f"{split} has no {', '.join(missing)}: looked for {what}, there are: {listed(names)}: add it, or say"
                " which there are with `languages:`"
            )


def mixed(files: Iterable[str]) -> list[str]:
    """Those files of a split whose names have several languages, so that none of them is theirs."""
    return [name for name in files if split_of(name) and len(languages_of(name)) > 1]


def check_parallel(rows: Sequence[Row], names: Sequence[str]) -> None:
    """BadInput if rows that should be translations of each other have different labels: then the files do not match
    row by row, and dev and test cannot be cut from them."""
    first: dict[bytes, Row] = {}
    for row in rows:
        other = first.setdefault(row.parallel, row)
        if row.parallel and other.answer != row.answer:
            raise BadInput(
                f"row {_id(row)} has the label {', '.join(row.labels)}, row {_id(other)} has {', '.join(other.labels)}:"
                f" they must be translations of each other in {listed(names)}, or nothing can be cut from them"
            )


def _id(row: Row) -> str:
    return str(json.loads(row.line)["id"])
