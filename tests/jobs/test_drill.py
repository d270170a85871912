"""The drill: a training that is killed in every way ends like one that was left alone."""

import json

import pytest
from machines import Machine

TEXT = "  - segment:\n  - vocab: {size: 3000, english_size: 0, han: seen}\n  - ids:\n"


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [1, 2])
def test_every_disturbance_is_survived_to_the_bit(machine: Machine, nodes: int) -> None:
    machine.corpus(300)
    machine.spec(TEXT + f"  - pretrain: {{nodes: {nodes}, global_batch_size: {8 * nodes}, memory: 2GiB}}\n")
    drilled = json.loads(machine.kfp("drill", "demo.yaml", "--json").stdout)
    assert drilled["passed"], drilled
    rows = {row["name"]: row for row in drilled["disturbances"]}
    assert rows["kill a trainer"]["starts"] == 2 and rows["kill a trainer"]["resumed"] > 0
    assert rows["asked to stop (SIGTERM)"]["resumed"] >= rows["asked to stop (SIGTERM)"]["at"] - 1
    assert ("kill the last trainer" in rows) == (nodes == 2)
    assert not list((machine.folder / "store" / "pretrain").glob("*")), "what a drill makes is removed"


def test_a_job_without_training_has_nothing_to_drill(machine: Machine) -> None:
    machine.spec(TEXT)
    assert "there is nothing to drill" in machine.kfp("drill", "demo.yaml", check=3).stderr
