"""What would be refused when its turn comes is said by the plan: a taken version, a machine that is too small."""

from pathlib import Path

import pytest
from small_spec import load

from ernie_core.errors import Refused
from ernie_core.serve import index
from ernie_core.store import Store, artefact, open_store
from jobs.plan import graph, plan, refusals
from jobs.plan.graph import Node
from jobs.plan.inputs import Content, InputFile

TEXT = """\
version: 1
name: demo
store: ./store
inputs:
  mine: {inference: model}
steps:
  - package: {name: reviews, version: "1.0"}
"""
CONTENT = {"mine": Content("inference", (InputFile("a", "file:///x/a", 3, "sha256:00"),))}


def nodes(tmp_path: Path, *edits: str, text: str = TEXT) -> tuple[Node, ...]:
    return graph.build(load(tmp_path, text, *edits), CONTENT)


def register(store: Store, tmp_path: Path, fingerprint: str, *, whole: bool = True) -> None:
    """Another package of this name and version, or the beginning of one."""
    address = f"package/{fingerprint}"
    index.register(store, name="reviews", version="1.0", address=address, fingerprint=fingerprint, scores={})
    if whole:
        folder = artefact.staging(store, address, tmp_path)
        (folder / "x").write_text("x")
        artefact.publish(store, address, folder, kind="package", info={})


def test_a_version_that_is_another_package_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    register(store, tmp_path, "0" * 16)
    made = plan.make(nodes(tmp_path), store)
    [refused] = made.refusals
    assert "reviews@1.0 is another package already (fingerprint 000000000000" in refused.reason
    assert "give this one another version" in refused.reason
    with pytest.raises(Refused, match=r"step `package`: reviews@1\.0 is another package already"):
        refusals.check(made.steps, 64, 2**40)  # before anything runs
    for free in ('package.version="1.1"', "package.version=''", "package.name=other"):
        assert not plan.make(nodes(tmp_path, free), store).refusals


def test_a_version_that_was_begun_and_never_finished_or_is_the_same_is_free(tmp_path: Path) -> None:
    store, wanted = open_store(tmp_path / "store"), nodes(tmp_path)
    assert plan.make(wanted, store).steps[0].state == "run"
    register(store, tmp_path, "0" * 16, whole=False)
    assert plan.make(wanted, store).steps[0].state == "run"
    index.register(store, name="reviews", version="1.0", address=wanted[0].address,
                   fingerprint=wanted[0].fingerprint, scores={})  # fmt: skip
    assert plan.make(wanted, store).steps[0].state == "run"


def test_two_packages_of_a_job_cannot_have_one_version(tmp_path: Path) -> None:
    text = TEXT.replace("inputs:\n", "inputs:\n  other: {inference: model2}\n").replace('"1.0"}', '"1.0", from: mine}')
    text += '  - package: {as: again, name: reviews, version: "1.0", from: other}\n'
    content = {**CONTENT, "other": Content("inference", (InputFile("a", "file:///y/a", 3, "sha256:01"),))}
    made = plan.make(graph.build(load(tmp_path, text), content), open_store(tmp_path / "store"))
    assert [s.state for s in made.steps] == ["run", "refused"]
    assert made.steps[1].reason == "`package` makes reviews@1.0 already: give this one another name or version"


def test_an_entry_of_the_index_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    store.write("packages/reviews/1.0.json", b"{")
    assert "not an entry of the index" in plan.make(nodes(tmp_path), store).steps[0].reason


def test_what_this_machine_can_never_run_is_noted_in_the_plan_and_planned_for_a_cluster(tmp_path: Path) -> None:
    store, here = open_store(tmp_path / "store"), refusals.here(2, 2**30)
    made = plan.make(nodes(tmp_path, "package.memory=4GiB"), store, here)
    note = "not here: `package` needs 4.0 GiB of memory, this machine has 1.0 GiB: lower its `memory:`"
    assert (made.steps[0].state, made.steps[0].leaves) == ("run", note)
    assert plan.make(nodes(tmp_path, "package.memory=1GiB"), store, here).steps[0].leaves == ""
    with pytest.raises(Refused, match=r"needs 4\.0 GiB of memory"):
        refusals.check(made.steps, 2, 2**30)
    trained = TEXT.replace("inference: model", "text: corpus").replace(
        '  - package: {name: reviews, version: "1.0"}\n',
        "  - segment: {memory: 1GiB}\n  - vocab: {memory: 1GiB}\n  - ids: {memory: 1GiB}\n"
        "  - pretrain: {gpus: 1, use_amp: true}\n",
    )
    content = {"mine": Content("text", (InputFile("a", "file:///x/a", 3, "sha256:00"),))}
    made = plan.make(graph.build(load(tmp_path, trained), content), store, here)
    assert [bool(step.leaves) for step in made.steps] == [False, False, False, True]
    assert "needs 1 x 1 GPUs, a run on this machine uses none" in made.steps[-1].why
