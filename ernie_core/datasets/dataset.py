"""Labelled files -> labelled examples: train, dev and test, the names of labels, and what was found in them."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ernie_core.datasets import choosing, comparing, reading, splitting
from ernie_core.datasets import languages as several
from ernie_core.datasets.choosing import Chosen
from ernie_core.datasets.columns import Columns
from ernie_core.datasets.format import Format
from ernie_core.datasets.known import AUTO, FORMATS
from ernie_core.datasets.languages import Languages
from ernie_core.datasets.reading import Read, Row
from ernie_core.errors import BadInput
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.store.files import below
from ernie_core.tasks.data import DataFacts
from ernie_core.wording import listed

SPLITS = ("train", "dev", "test")
_SHOWN = 5

Say = Callable[[str], None]


def make(
    raw: Path,
    task_data: Path,
    *,
    format: str = AUTO,
    columns: Columns = Columns(),  # noqa: B008 - frozen
    published: str = "",
    files: Mapping[str, Sequence[str]] | None = None,
    dev: float = 0.0,
    test: float = 0.0,
    remove: Sequence[str] = (),
    mode: str | None = None,
    languages: Sequence[str] = (),
    max_examples: int | None = None,
    max_rejected: float = 0.0,
    progress: Progress = silent,
    stop: Stop = never,
    say: Say = print,
) -> dict[str, float]:
    """Write the examples of a file or a folder of files in one of the known formats; returns the figures.

    `published` is the name of the data set, where that says more than the format does. `files` are patterns of file
    names for train, dev and test, in place of the format's own choice. `dev` and `test` are shares of train to cut, see
    `splitting.cut`. Data in several languages need a `mode`, and may be limited to some `languages`, see
    `languages.py`. BadInput for files of no known format, without dev, with unknown
    labels, or with more than the share `max_rejected` of rows that cannot be used.
    """
    there = {raw.name: raw} if raw.is_file() else {file.name: raw / file.name for file in below(raw)}
    patterns = {split: tuple((files or {}).get(split, ())) for split in SPLITS}
    named = [name for names in choosing.named(there, patterns).values() for name in names]
    form = choosing.format_of({name: there[name] for name in named} or there, format, columns)
    chosen = choosing.choose(there, form, patterns)
    _say_files(say, form, format, chosen)
    shares = {"dev": dev, "test": test}
    _check_splits(chosen, shares)
    spoken, cut = _spoken(form, mode, languages), any(shares.values())
    if spoken and not named and (mixed := several.mixed(chosen.unused)):
        say(f"not used, since the name says several languages: {listed(mixed, _SHOWN)}")
    if spoken:
        chosen = spoken.narrowed(chosen, cut=cut)

    total = sum(there[name].stat().st_size for names in chosen.splits.values() for name in names)
    report = reading.reporter(progress, stop, total)
    read = {
        split: reading.read(
            form, there, split, names, report,
            languages=spoken.read(split, cut) if spoken else (), parallel=cut or max_examples is not None,
        )
        for split, names in chosen.splits.items()
    }  # fmt: skip
    rejected = [row for part in read.values() for row in part.rejected]
    for row in rejected[:_SHOWN]:
        say(f"{'left out' if row.get('expected') else 'rejected'}: {reading.spell(row)}")
    if len(rejected) > _SHOWN:
        say(f"{len(rejected) - _SHOWN:,} more rows that are not used are in rejected.jsonl")
    _write_lines(
        task_data / "rejected.jsonl", (json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rejected)
    )
    reading.check(read, max_rejected)

    labels = _labels(form, read)
    if spoken and cut:
        several.check_parallel(read["train"].rows, chosen.splits["train"])
    parts = _parts(read, shares)
    for split, share in shares.items():
        got = len(parts.get(split, ())) / max(1, len(read["train"].rows))
        if share and not share / 2 <= got <= share * 2:
            say(
                f"warning: {split} is {got:.2%} of train instead of {share:.2%}: few rows, or many that equal texts "
                "and groups link; another share changes that"
            )
    if spoken:
        parts = spoken.settled(parts, chosen.splits)
    found, removed = comparing.compare(parts, remove)
    sizes = {split: len(rows) for split, rows in parts.items()}
    if max_examples is not None:
        parts = {split: _sampled(rows, max_examples) for split, rows in parts.items()}
    _check_parts(parts, labels, shares, say)
    _warn(say, sizes, found, remove)

    for split, rows in parts.items():
        _write_lines(task_data / f"{split}.jsonl", (row.line for row in rows))
    for file, names in labels.items():
        _write_lines(task_data / file, (f"{name}\n".encode() for name in names))
    facts = {**form.facts(), **(spoken.facts() if spoken else {})}
    known = published or (form.name if form.name in FORMATS else "")
    DataFacts(form.task, known, facts).write(task_data)
    faults = sum(not row.get("expected") for row in rejected)
    figures = {
        **{split: len(parts.get(split, ())) for split in SPLITS},
        "rejected": faults,
        "left_out": len(rejected) - faults,
        **{name: sum(of.values()) for name, of in found.items()},
    }
    _write_report(task_data, form, chosen, parts, {**figures, "found": found, "removed": removed}, rejected)
    return {name: float(count) for name, count in figures.items()}


def _check_splits(chosen: Chosen, shares: Mapping[str, float]) -> None:
    for split, share in shares.items():
        if share and split in chosen.splits:
            files = listed(chosen.splits[split], _SHOWN)
            raise BadInput(f"{split} {share:g}: the data have a {split} split ({files}): leave `{split}` out")
    if "dev" not in chosen.splits and not shares["dev"]:
        raise BadInput(
            f"no dev split in {listed([*chosen.splits['train'], *chosen.unused], _SHOWN)}: cut one from train with "
            "`dev: 10%`, or say which file it is with `dev_files:`"
        )
    if sum(shares.values()) >= 1:
        raise BadInput(f"dev {shares['dev']:g} and test {shares['test']:g} leave nothing to train: lower them")


def _parts(read: Mapping[str, Read], shares: Mapping[str, float]) -> dict[str, list[Row]]:
    """The rows of each split, with dev and test cut from train where that is asked for."""
    parts = {split: part.rows for split, part in read.items()}
    if any(shares.values()):
        rows = parts["train"]
        splits = splitting.cut([(row.question, row.group, row.parallel) for row in rows], shares["dev"], shares["test"])
        for split in ("train", *(split for split, share in shares.items() if share)):
            parts[split] = [row for row, of in zip(rows, splits, strict=True) if of == split]
    return {split: parts[split] for split in SPLITS if split in parts}


def _sampled(rows: Sequence[Row], most: int) -> list[Row]:
    if not any(row.parallel for row in rows):
        return [rows[i] for i in splitting.sample([row.question + row.answer for row in rows], most)]
    # the same rows of every language
    shared = list(dict.fromkeys(row.parallel for row in rows))
    kept = {shared[i] for i in splitting.sample(shared, max(1, most // len({row.language for row in rows})))}
    return [row for row in rows if row.parallel in kept]


def _spoken(form: Format, mode: str | None, languages: Sequence[str]) -> Languages | None:
    """Which languages the splits have, for data in several."""
    if form.many_languages:
        return Languages.chosen(mode, languages)
    if mode or languages:
        name = "mode" if mode else "languages"
        raise BadInput(f"{name}: data of format {form.name} do not say their language: leave it out")
    return None


def _labels(form: Format, read: Mapping[str, Read]) -> dict[str, Sequence[str]]:
    """The names of labels, by file: the published ones, or those of train in sorted order."""
    known = dict(form.labels())
    if known:
        return known
    names = {name for row in read["train"].rows for name in row.labels}
    for split, part in read.items():
        strange = Counter(name for row in part.rows for name in row.labels if name not in names)
        if strange:
            shown = listed((f"{name} ({count})" for name, count in sorted(strange.items())), _SHOWN)
            raise BadInput(
                f"{split} has labels that no example of train has: {shown}: correct them, add examples of them to "
                "train, or list all labels with `labels:`"
            )
    if not names:
        return {}
    numbers = all(name.isdecimal() for name in names)
    return {"labels.txt": sorted(names, key=lambda name: (int(name) if numbers else 0, name))}


def _check_parts(
    parts: Mapping[str, Sequence[Row]], labels: Mapping[str, Sequence[str]], shares: Mapping[str, float], say: Say
) -> None:
    for split, rows in parts.items():
        if not rows:
            if shares.get(split):
                raise BadInput(f"{split} {shares[split]:g} of train has no examples: give more, or another share")
            raise BadInput(f"{split} has no examples: correct its files, or name others with `{split}_files:`")
    unanswered = sum(not row.answer for row in parts.get("test", ()))
    if 0 < unanswered < len(parts.get("test", ())):
        raise BadInput(f"{unanswered} of {len(parts['test'])} rows of test have no label: give all of them, or none")
    ids = Counter(json.dumps(json.loads(row.line)["id"]) for row in parts.get("test", ()))
    if repeated := [name for name, count in ids.items() if count > 1]:
        say(
            f"warning: ids of test are there more than once, so predictions cannot be told apart: {listed(repeated, 5)}"
        )
    if (names := labels.get("labels.txt")) is not None:
        if len(names) < 2:
            raise BadInput(f"all examples have the label `{', '.join(names)}`, at least two labels are needed")
        missing = set(names) - {name for row in parts["train"] for name in row.labels}
        if missing:
            say(f"warning: no example of train has the labels {listed(sorted(missing), _SHOWN)}")


def _warn(say: Say, sizes: Mapping[str, int], found: Mapping[str, Mapping[str, int]], remove: Sequence[str]) -> None:
    for name, why in (("in_both", "are also in train"), ("related", "share a premise, a text or a group with train")):
        for split, count in found[name].items():
            if count and name not in remove:
                say(
                    f"warning: {count:,} of {sizes[split]:,} examples of {split} {why}, which may flatter its "
                    f"scores: `remove: [{name}]` takes those of train out"
                )
    if (count := found["contradicting"]["train"]) and "contradicting" not in remove:
        say(f"warning: {count} examples of train are there with another label, too")


def _say_files(say: Say, form: Format, wanted: str, chosen: Chosen) -> None:
    how = "recognised" if wanted == AUTO else "as said"
    files = "; ".join(f"{split}: {listed(names, _SHOWN)}" for split, names in chosen.splits.items())
    unused = f"; not used: {listed(chosen.unused, _SHOWN)}" if chosen.unused else ""
    say(f"format {form.name} ({how}); {files}{unused}")


def _write_lines(path: Path, lines: Any) -> None:
    with path.open("wb") as file:
        file.writelines(lines)


def _write_report(
    folder: Path, form: Format, chosen: Chosen, parts: Mapping[str, Sequence[Row]], facts: Mapping[str, Any],
    rejected: Sequence[Mapping[str, Any]],
) -> None:  # fmt: skip
    splits = {
        split: {
            "examples": len(rows),
            "unlabelled": sum(not row.answer for row in rows),
            "labels": dict(sorted(Counter(name for row in rows for name in row.labels).items())),
            "files": list(chosen.splits.get(split, ())) or "cut from train",
            **(
                {"languages": dict(spoken)} if (spoken := Counter(row.language for row in rows if row.language)) else {}
            ),
        }
        for split, rows in parts.items()
    }
    content = {
        "format": form.name, "task": form.task, "splits": splits, "unused_files": list(chosen.unused), **facts,
        "rejected_examples": [reading.spell(row) for row in rejected[:_SHOWN]],
    }  # fmt: skip
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
