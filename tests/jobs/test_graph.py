"""Fingerprints: what changes them, what must not, and golden values."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contract.fingerprints import digest
from jobs.plan import graph, inputs
from jobs.plan.inputs import Content, InputFile
from jobs.spec import document, parser
from jobs.spec.problems import SpecError

TEXT = """\
version: 1
name: demo
store: ./store
inputs:
  mine: {text: corpus/*.txt}
steps:
  - segment: {tool: jieba, cpu: 1}
  - vocab: {size: 29000, english_size: 100}
  - ids:
"""
CONTENT = {"mine": Content("text", (InputFile("a.txt", "file:///x/a.txt", 3, "sha256:00"),))}


def nodes(text: str = TEXT, *edits: str) -> dict[str, graph.Node]:
    job = parser.parse(text, "demo.yaml", [document.edit(e) for e in edits])
    return {node.name: node for node in graph.build(job, CONTENT)}


def prints(text: str = TEXT, *edits: str) -> dict[str, str]:
    return {name: node.fingerprint for name, node in nodes(text, *edits).items()}


def test_fingerprints_are_those_of_the_golden_file(request: pytest.FixtureRequest) -> None:
    golden = Path(__file__).parent.parent / "golden" / "fingerprints.json"
    if request.config.getoption("--update-golden"):
        golden.write_text(json.dumps(prints(), indent=2) + "\n")
    assert prints() == json.loads(golden.read_text())


def test_order_of_keys_comments_and_formatting_do_not_matter() -> None:
    other = """\
name: demo   # a comment
steps:
- segment:
    cpu: 1
    tool: "jieba"
- vocab:
    english_size: 1_00
    size: 29000
- ids: {}
store: ./store
inputs: {mine: {text: [corpus/*.txt]}}
version: 1
"""
    assert prints(other) == prints()


def test_placement_names_and_the_store_do_not_matter() -> None:
    moved = (
        TEXT.replace("cpu: 1", "cpu: 8, memory: 3GiB, timeout: 2h")
        .replace("./store", "s3://bucket/elsewhere")
        .replace("demo", "other")
    )
    assert prints(moved) == prints()
    renamed = TEXT.replace("tool: jieba", "tool: jieba, as: cut")
    assert prints(renamed)["cut"] == prints()["segment"]


def test_a_parameter_changes_its_step_and_what_depends_on_it_alone() -> None:
    before, after = prints(), prints(TEXT, "vocab.size=29001")
    assert {name for name in before if before[name] != after[name]} == {"vocab", "ids"}


def test_the_content_of_an_input_changes_everything_behind_it() -> None:
    job = parser.parse(TEXT, "demo.yaml")
    changed = {"mine": Content("text", (InputFile("a.txt", "file:///x/a.txt", 3, "sha256:01"),))}
    moved = {"mine": Content("text", (InputFile("a.txt", "s3://y/a.txt", 3, "sha256:00"),))}
    assert not {n.fingerprint for n in graph.build(job, changed)} & set(prints().values())
    assert [n.fingerprint for n in graph.build(job, moved)] == list(prints().values()), (
        "where the files lie does not matter"
    )


def test_a_gate_holds_back_every_later_step() -> None:
    found = nodes(TEXT.replace("cpu: 1", 'require: {lines: ">0"}'))
    assert found["vocab"].after == ("segment",)
    assert found["ids"].after == ("segment", "vocab")


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.one_of(st.integers(), st.booleans(), st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False)),
        max_size=6,
    ),
    st.randoms(),
)
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object], chance: random.Random) -> None:
    items = list(value.items())
    chance.shuffle(items)
    assert digest(dict(items)) == digest(value)


def test_fingerprints_are_the_same_in_another_process_with_another_hash_seed() -> None:
    code = f"import json; from {Path(__file__).stem} import prints; print(json.dumps(prints()))"
    environment = {"PYTHONPATH": f"{Path(__file__).parent}:{Path.cwd()}", "PYTHONHASHSEED": "7"}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert json.loads(out.stdout) == prints()


def test_globs_find_files_as_a_shell_does(tmp_path: Path) -> None:
    for name in ("corpus/a.txt", "corpus/b.md", "corpus/deep/c.txt", "corpus/deep/er/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)

    def found(pattern: str) -> list[str]:
        job = parser.parse(TEXT.replace("corpus/*.txt", f'"{pattern}"'), str(tmp_path / "demo.yaml"))
        return [f.name for f in inputs.resolve(job, tmp_path / "digests.sqlite")["mine"].files]

    assert found("corpus/*.txt") == ["a.txt"]
    assert found("corpus/**/*.txt") == ["a.txt", "deep/c.txt", "deep/er/d.txt"]
    assert found("corpus") == ["a.txt", "b.md", "deep/c.txt", "deep/er/d.txt"]
    assert found("corpus/[ab].*") == ["a.txt", "b.md"]
    assert found("corpus/deep/c.txt") == ["c.txt"]


def test_a_glob_without_a_match_is_an_error_at_its_line(tmp_path: Path) -> None:
    job = parser.parse(TEXT, str(tmp_path / "demo.yaml"))
    with pytest.raises(SpecError, match=r"demo.yaml:5: inputs.mine.text: no file matches `corpus/\*.txt`"):
        inputs.resolve(job, tmp_path / "digests.sqlite")
