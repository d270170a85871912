"""The specs of the tree: right, planned, and run in small on one machine."""

import json
import shlex
import shutil
from pathlib import Path

import published_models
import pytest
from machines import ROOT, Machine

SPECS = sorted(path.name for path in (ROOT / "specs").glob("*.yaml"))
SMALL = {
    "pretrain": {"arch": "1L32H2", "gpus": 0, "nodes": 2, "use_amp": "false", "max_seq_len": 32, "micro_batch_size": 2,
                 "global_batch_size": 8, "max_steps": 12, "decay_steps": 10, "checkpoint_steps": 5, "memory": "1GiB",
                 "cpu": 1, "eval_freq": 10},
    "vocab": {"han": "seen", "size": 3000, "english_size": 0, "sample": "1MiB"},
}  # fmt: skip


def edits(machine: Machine, name: str) -> list[str]:
    """A copy of a spec beside the corpus, and what makes it small."""
    shutil.copyfile(ROOT / "specs" / name, machine.folder / name)
    inputs = {"ernie1_pretrain.yaml": ["clue"], "ernie1_mix.yaml": ["oscar", "clue", "wudao"]}[name]
    set_ = ["store=store", *(f"inputs.{i}.text=corpus/{i}/*.txt" for i in inputs)]
    for i in inputs:
        (machine.folder / "corpus" / i).mkdir(parents=True)
        shutil.copyfile(machine.folder / "corpus" / "a.txt", machine.folder / "corpus" / i / "a.txt")
    set_ += [f"{step}.{key}={value}" for step, values in SMALL.items() for key, value in values.items()]
    return [word for edit in set_ for word in ("--set", edit)]


@pytest.mark.parametrize("name", SPECS)
def test_every_spec_of_the_tree_is_right(machine: Machine, name: str) -> None:
    assert "valid" in machine.kfp("check", str(ROOT / "specs" / name)).stdout


@pytest.mark.parametrize("name", [name for name in SPECS if "# Here, in small:" in (ROOT / "specs" / name).read_text()])
def test_what_a_spec_says_of_running_it_in_small_is_right(machine: Machine, name: str) -> None:
    head = (ROOT / "specs" / name).read_text(encoding="utf-8").split("# Here, in small:")[1].split("\nversion:")[0]
    edits = shlex.split(head.replace("\\\n#", " "), comments=False)
    edits = [word for at, word in enumerate(edits) if "--set" in (word, edits[at - 1])]
    assert len(edits) >= 4, edits
    assert "valid" in machine.kfp("check", str(ROOT / "specs" / name), *edits).stdout


@pytest.mark.parametrize("name", ["ernie1_pretrain.yaml", "ernie1_mix.yaml"])
def test_a_spec_for_a_cluster_is_planned_as_it_stands(machine: Machine, name: str) -> None:
    given = edits(machine, name)
    places = given[: 2 * (1 + sum("inputs." in word for word in given))]
    steps = json.loads(machine.kfp("plan", name, *places, "--json").stdout)["steps"]
    assert {step["state"] for step in steps} == {"run"}
    assert len(steps) == {"ernie1_pretrain.yaml": 4, "ernie1_mix.yaml": 8}[name]


@pytest.mark.parametrize("name", ["ernie1_pretrain.yaml", "ernie1_mix.yaml"])
def test_the_same_file_runs_in_small_with_two_processes(machine: Machine, name: str) -> None:
    machine.corpus(200)
    given = edits(machine, name)
    machine.kfp("run", name, "--on", "local", *given, "--set", "pretrain.split='8,1,1'")
    steps = machine.record()["steps"]
    assert {row["state"] for row in steps.values()} == {"done"}
    model = next((Path(machine.folder) / "store" / "pretrain").glob("*/data-*/train_log.jsonl"))
    assert model.read_text().count('"part": "train"') == 12


@pytest.mark.slow
def test_a_pretraining_continues_from_a_model_by_its_name(machine: Machine) -> None:
    machine.corpus(200)
    published_models.model("ernie-3.0-tiny-pico-v2-zh", machine.folder / "mirror")
    (machine.folder / "site.yaml").write_text("mirror: mirror\n")
    shutil.copyfile(ROOT / "specs" / "ernie1_continue.yaml", machine.folder / "ernie1_continue.yaml")
    small = {**SMALL["pretrain"], "nodes": 1, "split": "8,1,1"}
    del small["arch"]
    given = ["store=store", "inputs.own.text=corpus/*.txt", "start.name=ernie-3.0-tiny-pico-v2-zh",
             "segment.tool=jieba", "segment.json_key=text",
             *(f"pretrain.{key}={value}" for key, value in small.items())]  # fmt: skip
    words = [word for edit in given for word in ("--set", edit)]
    machine.kfp("run", "ernie1_continue.yaml", "--on", "local", *words)
    assert {row["state"] for row in machine.record()["steps"].values()} == {"done"}
    model = next((machine.folder / "store" / "pretrain").glob("*/data-*"))
    assert json.loads((model / "config.json").read_text())["hidden_size"] == 128
    start = next((machine.folder / "store" / "pretrained").glob("*/data-*"))
    assert (model / "vocab.txt").read_bytes() == (start / "vocab.txt").read_bytes()
