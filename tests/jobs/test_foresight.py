"""What scores show of steps to come is said before they start."""

import json

import pytest
from machines import Machine

from components.contract.around import Around, Made
from components.pretrain import Pretrain
from ernie_core.data import shares
from jobs.plan.foresight import misfit
from jobs.plan.graph import Node, build
from jobs.plan.inputs import Content
from jobs.spec import parser

STEPS = """\
  - segment:
  - vocab: {size: 3000, english_size: 0, han: seen}
  - ids:
  - pretrain: {arch: 1L32H2, max_steps: 4, max_seq_len: 32, micro_batch_size: 2}
"""
SAID = (
    "split 949,50,1 gives test none of {}: use more text, give test a larger share, or none at all, for example"
    " `split: '90,10,0'`"
)


def nodes(pretrain: str = "") -> dict[str, Node]:
    steps = STEPS.replace("arch", pretrain + "arch")
    text = f"version: 1\nname: x\nstore: s\ninputs: {{mine: {{text: a}}}}\nsteps:\n{steps}"
    return {node.name: node for node in build(parser.parse(text, "x.yaml"), {"mine": Content("text", ())})}


def test_the_documents_of_the_words_bound_those_of_the_ids() -> None:
    found = nodes()
    for scores, said in (
        ({}, ""),
        ({"segment": {"documents": 30.0}}, SAID.format("30 documents at most")),
        ({"segment": {"documents": 30_000.0}}, ""),
        ({"ids": {"documents": 30.0}}, SAID.format("the 30 documents of `ids`")),
        ({"segment": {"documents": 30_000.0}, "ids": {"documents": 3.0}},
         SAID.format("the 3 documents of `ids`").replace("test", "valid and test").replace("90,10,0", "100,0,0")),
    ):  # fmt: skip
        assert misfit(found["pretrain"], found, scores) == said


def test_a_part_that_is_not_asked_for_may_be_empty() -> None:
    for setting in ("split: '949', ", "split: '8,1,1', ", "eval_iters: 0, "):
        found = nodes(setting)
        assert not misfit(found["pretrain"], found, {"ids": {"documents": 30.0}})


def test_ids_that_somebody_gave_are_not_known_before_they_are_read() -> None:
    assert not list(Pretrain().misfits(Around({"ids": (Made("mine"),)})))


@pytest.mark.parametrize(
    ("split", "parts", "cure"),
    [
        ("949,50,1", ["test"], "90,10,0"),
        ("949,1,50", ["valid"], "90,0,10"),
        ("999,1", ["valid"], "100,0,0"),
        ("1,999", ["train"], ""),
    ],
)
def test_the_example_gives_none_to_what_gets_none(split: str, parts: list[str], cure: str) -> None:
    said = shares.lacking(parts, split, "9 documents")
    assert said.endswith(f"`split: '{cure}'`" if cure else "give train a larger share")


def test_a_split_of_no_documents_leaves_nothing() -> None:
    assert shares.split("8,1,1", 0) == [(0, 0), (0, 0), (0, 0)]


def test_a_run_says_so_once_the_text_is_cut_and_a_plan_once_anything_is_there(machine: Machine) -> None:
    machine.spec(STEPS)
    assert "gives test none" not in machine.kfp("plan", "demo.yaml").stdout
    done = machine.kfp("run", "demo.yaml", "-y", check=1)
    said = SAID.format("40 documents at most")
    lines = done.stderr.splitlines()
    (failed,) = (i for i, line in enumerate(lines) if line.startswith("step=pretrain state=failed") and said in line)
    assert failed < next(i for i, line in enumerate(lines) if line.startswith("step=ids state=done"))
    assert "step=pretrain state=running" not in done.stderr and "correct first" in done.stdout
    steps = machine.record()["steps"]
    assert [row["state"] for row in steps.values()] == ["done", "done", "done", "failed"]
    assert steps["pretrain"]["code"] == 65
    assert done.stdout.rstrip().endswith(f"kfp logs {machine.record()['id']}"), "there is no log of `pretrain`"
    assert "`pretrain` has no log: split 949,50,1 gives" in machine.kfp("logs", "demo.yaml", "pretrain").stderr
    (row,) = json.loads(machine.kfp("why", "demo.yaml", "pretrain", "--json").stdout)
    assert (row["state"], row["reason"]) == ("refused", SAID.format("the 40 documents of `ids`"))
    plan = machine.kfp("plan", "demo.yaml", "--set", "pretrain.split='8,1,1'").stdout
    assert "refused" not in plan
