"""Files of an input in the current folder, and what an input of some patterns is there."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.plan import inputs
from jobs.plan.inputs import Content
from jobs.spec import parser
from jobs.spec.problems import SpecError


def put(*names: str) -> None:
    """Files that hold their own name."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)


def found(*patterns: str, kind: str = "text", folder: Path | None = None) -> Content:
    """What an input of these patterns is."""
    rows = "".join(f"    - {json.dumps(pattern)}\n" for pattern in patterns)
    text = f"version: 1\nname: x\nstore: s\ninputs:\n  a:\n   text:\n{rows}steps:\n  - segment:\n"
    job = parser.parse(text, str((folder or Path()) / "s.yaml"))
    job = replace(job, inputs={"a": replace(job.inputs["a"], kind=kind)})
    return inputs.resolve(job, Path("cache.sqlite").absolute())["a"]


def names(*patterns: str) -> list[str]:
    return [file.name for file in found(*patterns).files]


def wrong(*patterns: str, kind: str = "text") -> str:
    """The one thing that is wrong with an input."""
    with pytest.raises(SpecError) as caught:
        found(*patterns, kind=kind)
    (problem,) = caught.value.problems
    assert problem.line > 0
    return str(problem)
