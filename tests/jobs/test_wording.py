"""Messages stay short, whatever a person gave: the beginning of a value and how much is left out, and the remedy."""

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import ROOT, Machine

from components.contract import gates
from components.contract.gates import Gate
from ernie_core.errors import BadInput, Error
from ernie_core.store import artefact, open_store
from ernie_core.wording import MOST_LINE, brief, choice, listed
from jobs import report
from jobs.spec.problems import Problem

LONG = "x" * 10_000


@given(st.text(max_size=200), st.integers(0, 20_000), st.sampled_from(["x", "x ", "字", "a\tb"]), st.text(max_size=200))
def test_a_message_has_a_bound_and_keeps_its_beginning_and_its_end(a: str, n: int, part: str, z: str) -> None:
    text = f"{a}\n`{part * n}` is wrong, {z}\n write `y`"
    short = brief(text)
    assert all(len(line) <= MOST_LINE for line in short.split("\n"))
    assert short.endswith("\n write `y`") and short.count("\n") == text.count("\n")
    assert brief(short) == short
    assert short == text or "more characters) ..." in short or any(len(line) > 400 for line in text.split("\n"))


def test_a_short_message_stays_as_it_is() -> None:
    text = f"no file `{Path('/a' * 150)}`, correct the path\nand what came before it"
    assert brief(text) == text == str(Error(text))


def test_every_error_has_that_bound_also_behind_a_process() -> None:
    error = BadInput(f"label `{LONG}` is not known, choose from: 0, 1")
    assert len(str(error)) < 600 and str(error).endswith("x` is not known, choose from: 0, 1")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(Problem("a.yaml", 3, "x", f"`{'x ' * 5000}` is wrong, write y")).endswith("x x ` is wrong, write y")


@pytest.mark.parametrize(
    ("error", "first"),
    [
        ("a.csv: no such file\nbehind", "a.csv: no such file"), ("alone:", "alone:"), ("", ""),
        ("3 rows cannot be used. The first:\n  a.csv:21: empty\n  a.csv:51: empty",
         "3 rows cannot be used. The first: a.csv:21: empty"),
    ],
)  # fmt: skip
def test_a_table_shows_what_the_first_line_of_a_message_announces(error: str, first: str) -> None:
    assert report.first_line(error) == first


def test_of_many_names_the_nearest_are_shown_and_how_many_there_are() -> None:
    names = [f"{a}{b}{i:02}" for a in "pqrs" for b in "kmt" for i in range(50)]
    said = choice("zzt07z9", names)
    assert said.startswith("choose from: ") and said.endswith(" and 584 more")
    assert {"pt07", "qt07", "rt07", "st07"} <= set(said.removeprefix("choose from: ").split(" and ")[0].split(", "))
    assert choice("pk011", names[:9]) == "did you mean `pk01`?"
    assert choice("zz", ["b", "a"]) == "choose from: a, b" and choice("zz", []) == "choose from: none"
    assert listed(["a" * 99, "b"], 1) == f"{'a' * 40}... (59 more characters) and 1 more"


def test_lists_of_what_there_is_are_short(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    folder = artefact.staging(store, "words/1", tmp_path / "scratch")
    for i in range(300):
        (folder / f"part-{i:05}.jsonl").write_text(str(i))
    artefact.publish(store, "words/1", folder, kind="words", info={})
    with pytest.raises(BadInput, match=r"words/1 has no file `report`, choose from: .* and 284 more$"):
        artefact.fetch(store, "words/1", tmp_path / "cache", names=["report"])
    scores = {f"score_{i}": 1.0 for i in range(100)}
    (failed,) = gates.failures([Gate.parse("zz", ">=1")], scores)
    assert failed.endswith("and 84 more")


@pytest.mark.parametrize(
    "words",
    [["status", LONG], ["logs", LONG, "--store", "store"], ["cancel", LONG], ["ls", LONG, "--store", "store"],
     ["show", LONG, "--store", "store"], ["why", LONG, "--store", "store"], ["pull", LONG, "--store", "store"],
     ["predict", LONG, "a"], ["new", LONG], ["check", f"{LONG}.yaml"], ["check", f"--{LONG}"], ["plan", LONG],
     ["check", "a", "--format", LONG], ["ls", "--store", f"s3://{LONG}"], ["why", "demo.yaml", LONG],
     ["plan", "demo.yaml", "--set", f"{LONG}=1"], ["plan", "demo.yaml", "--set", f"vocab.size={LONG}"],
     ["plan", "demo.yaml", "--set", f"store={LONG}"], ["run", "-y", "demo.yaml", "--redo", LONG]],
    ids=lambda words: " ".join(word[:16] for word in words),
)  # fmt: skip
def test_no_command_repeats_a_page_that_it_was_given(machine: Machine, words: list[str]) -> None:
    machine.spec("  - segment:\n  - vocab:\n")
    done = machine.kfp(*words, check=None)
    assert done.returncode and done.stderr.strip()
    assert len(done.stdout + done.stderr) < 1500


def test_only_one_place_makes_lists_of_names_short() -> None:
    found = [path for folder in ("jobs", "components", "ernie_core") for path in (ROOT / folder).rglob("*.py")
             if "get_close_matches" in path.read_text(encoding="utf-8")]  # fmt: skip
    assert {path.relative_to(ROOT).as_posix() for path in found} == {"ernie_core/wording.py", "jobs/cli/__init__.py"}
