"""The files behind `inputs:`, and a fingerprint of what is in them."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ernie_core.progress import Progress, silent
from ernie_core.store import digests
from ernie_core.wording import listed
from jobs.plan import in_bucket, on_disk
from jobs.plan.on_disk import Finding, FoundFile
from jobs.spec import paths
from jobs.spec.job import InputFiles, Job
from jobs.spec.problems import Problem, SpecError

FREELY_NAMED = ("text", "custom_words", "raw_data")
"""Kinds whose files may be called anything, so that those of several folders go together."""
Fault = tuple[str, int | None]
"""What is wrong, and with which of the patterns."""
_SAID = 5
"""Most faults of one input that are reported one by one."""


@dataclass(frozen=True)
class InputFile:
    """One file: its name below the input, its address, its size, and a tag that changes with its content."""

    name: str
    url: str
    size: int
    tag: str
    known: str = ""
    """Its name in fingerprints, where that is another: they outlive a change of how steps see it."""


@dataclass(frozen=True)
class Content:
    """The files of an input at this moment."""

    kind: str
    files: tuple[InputFile, ...]

    @property
    def fingerprint(self) -> str:
        """Hash of names and content; the location of the files does not matter."""
        rows = sorted(([f.known or f.name, f.size, f.tag] for f in self.files), key=lambda row: str(row[0]))
        text = json.dumps([self.kind, rows], ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def resolve(job: Job, cache: Path, progress: Progress = silent) -> Mapping[str, Content]:
    """Find and fingerprint the files of every input. SpecError, for all inputs at once, with what cannot be read."""
    found, problems = dict[str, Content](), list[Problem]()
    for name, entry in job.inputs.items():
        findings = [_find(job, pattern) for pattern in entry.files]
        files, alike = _named(entry.kind, findings)
        faults = [*((fault, i) for i, finding in enumerate(findings) for fault in finding.faults), *alike]
        if not files and not faults:
            faults.append((_nothing(entry, findings), None))
        rows = []
        for file in files if not faults else ():
            progress(0, None, "bytes", hashing=file.name)
            known = file.known if file.known != file.name else ""
            try:
                rows.append(InputFile(file.name, file.url, file.size, _tag(file, cache), known))
            except OSError as error:
                faults.append((paths.why(Path(file.place), error), None))
        found[name] = Content(entry.kind, tuple(rows))
        problems += _said(job, name, entry, faults)
    if problems:
        raise SpecError(problems)
    return found


def _find(job: Job, pattern: str) -> Finding:
    if pattern.startswith("s3://"):
        return in_bucket.find(pattern)
    return on_disk.find(paths.of_url(pattern) if "://" in pattern else pattern, Path(job.file).parent)


def _named(kind: str, findings: list[Finding]) -> tuple[list[FoundFile], list[Fault]]:
    """Every file once, under a name of its own, sorted by it; and what is wrong with the names."""
    files = list({file.same: file for finding in reversed(findings) for file in reversed(finding.files)}.values())
    names, faults = Counter(file.name for file in files), list[Fault]()
    alike = sorted(name for name, count in names.items() if count > 1)
    if alike and kind not in FREELY_NAMED:
        for name in alike:
            where = [f"`{paths.shown(file.place)}`" for file in files if file.name == name]
            text = f"{len(where)} files are called `{name}`: {listed(sorted(where), 5, 200)}; name one, or "
            faults.append((f"{text}make an input of each folder", None))
    elif alike:
        files = _told_apart(files)
        faults += [(fault, None) for file in files if (fault := paths.flaw(file.name))]
    if len({file.known for file in files}) < len(files):
        files = [replace(file, known=file.name) for file in files]
    return sorted(files, key=lambda file: file.name), faults


def _told_apart(files: list[FoundFile]) -> list[FoundFile]:
    """Named from the folder on that holds all of the input, which says nothing of where on the machine that is."""
    named = []
    for far in (False, True):
        group = [file for file in files if file.url.startswith("s3://") == far]
        common = os.path.commonpath([os.path.dirname(file.place) for file in group]) if group else ""
        named += [(file, file.place[len(common) :].lstrip("/")) for file in group]
    if len({name for _, name in named}) < len(named):  # one on a disk as one on S3
        named = [(file, f"{'s3' if file.url.startswith('s3:') else 'file'}/{name}") for file, name in named]
    return [replace(file, name=name, known=name) for file, name in named]


def _tag(file: FoundFile, cache: Path) -> str:
    if file.url.startswith("s3://"):
        return f"etag:{file.etag}"
    return f"sha256:{digests.sha256(Path(file.place), cache)}"


def _said(job: Job, name: str, entry: InputFiles, faults: list[Fault]) -> Iterator[Problem]:
    from jobs.spec import document

    if not faults:
        return
    doc, path = document.apply(document.parse(job.text, job.file), job.edits), ("inputs", name, entry.kind)
    for fault, i in faults[:_SAID]:
        own = (*path, -1 if i is None else i)
        yield doc.problem(own if own in doc.lines else path, fault)
    if len(faults) > _SAID:
        yield doc.problem(path, f"and {len(faults) - _SAID} more like these")


def _nothing(entry: InputFiles, findings: list[Finding]) -> str:
    named = listed((f"`{paths.shown(pattern)}`" for pattern in entry.files), 5, 200)
    passed = [name for finding in findings for name in finding.hidden]
    if passed:
        return (
            f"only hidden files match {named} (`{paths.shown(passed[0])}`), which are skipped unless a pattern names "
            "their leading dot, correct the path"
        )
    if any(finding.folders for finding in findings):
        return f"only folders match {named}, not what is in them: write `**/*` for that, or name a folder"
    return f"no file matches {named}, correct the path (from the spec's folder)"
