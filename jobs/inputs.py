"""The files behind `inputs:`, and a fingerprint of what is in them."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ernie_core.progress import Progress, silent
from ernie_core.store import digests, open_store
from jobs.problems import Problem, SpecError
from jobs.spec import InputFiles, Job


@dataclass(frozen=True)
class InputFile:
    """One file: its name below the input, its address, its size, and a tag that changes with its content."""

    name: str
    url: str
    size: int
    tag: str


@dataclass(frozen=True)
class Content:
    """The files of an input at this moment."""

    kind: str
    files: tuple[InputFile, ...]

    @property
    def fingerprint(self) -> str:
        """Of names and content; where the files lie does not matter."""
        rows = [[f.name, f.size, f.tag] for f in self.files]
        text = json.dumps([self.kind, rows], ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def resolve(job: Job, cache: Path, progress: Progress = silent) -> Mapping[str, Content]:
    """Find and fingerprint the files of every input. SpecError, for all inputs at once, where nothing matches."""
    found, problems = {}, []
    for name, entry in job.inputs.items():
        files = sorted(
            {f.name: f for pattern in entry.files for f in _files(job, pattern, cache, progress)}.values(),
            key=lambda f: f.name,
        )
        if not files:
            problems.append(_nothing(job, name, entry))
        found[name] = Content(entry.kind, tuple(files))
    if problems:
        raise SpecError(problems)
    return found


def _files(job: Job, pattern: str, cache: Path, progress: Progress) -> Iterator[InputFile]:
    if pattern.startswith("s3://"):
        root, rest = _split(pattern)
        for entry in open_store(root).list():
            if _matches(entry.key, rest):
                yield InputFile(entry.key, f"{root}/{entry.key}", entry.size, f"etag:{entry.etag}")
        return
    path = Path(pattern.removeprefix("file://")).expanduser()
    path = path if path.is_absolute() else (Path(job.file).parent / path).resolve()
    root, rest = _split(str(path))
    if path.is_dir():
        root, found = str(path), path.rglob("*")
    else:
        found = Path(root).glob(rest)
    for file in sorted(f for f in found if f.is_file()):
        name = file.relative_to(root).as_posix()
        progress(0, None, "bytes", hashing=name)
        yield InputFile(name, file.as_uri(), file.stat().st_size, f"sha256:{digests.sha256(file, cache)}")


def _split(pattern: str) -> tuple[str, str]:
    """`/a/b/*.txt` -> (`/a/b`, `*.txt`); a path without wildcards is a file, or a folder taken whole."""
    parts = pattern.rstrip("/").split("/")
    wild = next((i for i, part in enumerate(parts) if re.search(r"[*?[]", part)), len(parts) - 1)
    return "/".join(parts[:wild]) or "/", "/".join(parts[wild:])


def _matches(name: str, pattern: str) -> bool:
    expression = ""
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]*\]|.", pattern):
        expression += {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token) or (
            token.replace("[!", "[^") if token.startswith("[") and len(token) > 1 else re.escape(token)
        )
    return re.fullmatch(expression + ("" if re.search(r"[*?[]", pattern) else "(?:/.*)?"), name) is not None


def _nothing(job: Job, name: str, entry: InputFiles) -> Problem:
    from jobs import document

    doc = document.parse(job.text, job.file)
    return doc.problem(
        ("inputs", name, entry.kind),
        f"no file matches {', '.join(f'`{p}`' for p in entry.files)}, correct the path (from the spec's folder)",
    )
