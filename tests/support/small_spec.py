"""A small spec, loaded, or all that is wrong with it."""

from pathlib import Path

import pytest

from jobs.spec import document, parser
from jobs.spec.job import Job
from jobs.spec.problems import SpecError

GOOD = """\
version: 1
name: demo
store: ./store
inputs:
  mine: {text: corpus/*.txt}
steps:
  - segment: {tool: jieba}
  - vocab: {size: 29000}
  - ids:
"""


def load(tmp_path: Path, text: str, *edits: str) -> Job:
    file = tmp_path / "demo.yaml"
    file.write_text(text, encoding="utf-8")
    return parser.load(file, [document.edit(e) for e in edits])


def problems(tmp_path: Path, text: str, *edits: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(tmp_path, text, *edits)
    return [str(p).removeprefix(f"{tmp_path}/") for p in caught.value.problems]
