"""The step `dataset` in a spec: what a check says of its settings, and what a run makes and says."""

import json
from pathlib import Path

import pytest
from machines import Machine
from small_spec import load, problems

from components.dataset import Dataset

SPEC = """\
version: 1
name: demo
store: store
inputs:
  reviews: {raw_data: reviews}
steps:
  - dataset: {from: reviews}
"""
TABLE = "text,label\n" + "".join(f"text {i},{'good' if i % 3 else 'bad'}\n" for i in range(100))


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (["dataset.format=tnews"], "did you mean `clue/tnews`?"),
        (["dataset.format=clue/tnews", "dataset.text=a"], "text: the columns of clue/tnews are known: leave that out"),
        (["dataset.format=jsonl", "dataset.label=2"], "label: JSON lines have keys: give names"),
        (["dataset.header=false", "dataset.text=a"], "columns have no names: give `text` and `label` as"),
        (["dataset.text=0"], "`0` is not a column: give its name, or its number from 1"),
        (["dataset.dev=60%", "dataset.test=0.5"], "dev 0.6 and test 0.5 leave nothing to train"),
        (["dataset.dev=10"], "`10` is not a share such as 0.1% or 0.001"),
        (["dataset.dev=0.1", 'dataset.dev_files=["d"]', 'dataset.train_files=["t"]'], "both say what dev is"),
        (['dataset.dev_files=["d"]'], "say which files train is, too"),
        (['dataset.remove=["both"]'], "both"),
        (['dataset.labels=["one"]'], "labels has 1 name(s), a classifier needs at least two"),
    ],
)  # fmt: skip
def test_what_no_run_can_do_is_refused(tmp_path: Path, edits: list[str], said: str) -> None:
    found = problems(tmp_path, SPEC, *edits)
    assert len(found) == 1 and said in found[0], found


def test_columns_are_names_or_numbers_and_shares_may_be_percentages(tmp_path: Path) -> None:
    job = load(tmp_path, SPEC, "dataset.text=2", "dataset.label=name", "dataset.dev=10%")
    step = job.steps[0].step
    assert isinstance(step, Dataset)
    assert (step.text, step.label, step.dev) == (2, "name", 0.1)


def test_a_run_makes_examples_of_a_table_and_says_what_it_read(machine: Machine) -> None:
    (machine.folder / "demo.yaml").write_text(SPEC)
    (machine.folder / "reviews").mkdir()
    table = machine.folder / "reviews/mine.csv"
    table.write_text(TABLE + "no label\n")
    failed = machine.kfp("run", "demo.yaml", "-y", "--set", "dataset.dev=20%", check=None)
    assert failed.returncode != 0
    assert "mine.csv:102: 1 column(s) instead of 2" in failed.stdout + failed.stderr
    machine.kfp("run", "demo.yaml", "-y", "--set", "dataset.dev=20%", "--set", "dataset.max_rejected=1%")
    assert "format csv (recognised); train: mine.csv" in machine.kfp("logs").stdout
    folder = next((machine.folder / "store/dataset").glob("*/data-*"))
    report = json.loads((folder / "report.json").read_text())
    assert report["train"] + report["dev"] == 100 and report["rejected"] == 1
    assert (folder / "labels.txt").read_text() == "bad\ngood\n"


def test_files_of_equal_names_in_several_folders_are_one_data_set(machine: Machine) -> None:
    (machine.folder / "demo.yaml").write_text(SPEC.replace("reviews}\ns", "[hotels, books]}\ns"))
    for name in ("hotels", "books"):
        (machine.folder / name).mkdir()
        (machine.folder / name / "train.csv").write_text(TABLE.replace("text ", f"{name} "))
    machine.kfp("run", "demo.yaml", "-y", "--set", "dataset.dev=20%")
    folder = next((machine.folder / "store/dataset").glob("*/data-*"))
    ids = {json.loads(line)["id"].partition(":")[0] for line in (folder / "train.jsonl").read_text().splitlines()}
    assert ids == {"books/train.csv", "hotels/train.csv"}
