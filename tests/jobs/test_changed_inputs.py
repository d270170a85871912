"""Whoever edits an input while a run goes on gets an error that names it, and nothing under the old fingerprint."""

from pathlib import Path

import pytest
from machines import Machine, wait_for

STEPS = "  - segment: {as: first, from: mine}\n  - segment: {as: second, from: other}\n"


@pytest.fixture
def busy(machine: Machine) -> Machine:
    """A machine with one core, so that the second step waits for the first."""
    machine.corpus(3000)
    (machine.folder / "site.yaml").write_text("cpus: 1\n")
    file = machine.spec(STEPS)
    file.write_text(file.read_text().replace("inputs:\n", "inputs:\n  other: {text: other}\n"))
    (machine.folder / "other").mkdir()
    (machine.folder / "other" / "a.txt").write_text("今天天气很好。\n", encoding="utf-8")
    return machine


def edit(file: Path) -> None:
    """To another text of the same size."""
    file.write_text(file.read_text(encoding="utf-8").replace("天气", "价格"), encoding="utf-8")


@pytest.mark.parametrize("replaced", [False, True])
def test_an_input_that_is_edited_during_a_run_is_not_read(busy: Machine, replaced: bool) -> None:
    file, home = busy.folder / "other" / "a.txt", busy.home
    run = busy.start("run", "-y", "demo.yaml")
    scratch = wait_for(
        lambda: next(iter((home / "scratch").glob("*/first/task.json")), None) if run.poll() is None else 1
    )
    assert isinstance(scratch, Path), "the first step is at work"
    if replaced:
        before = busy.folder / "before"
        before.write_bytes(file.read_bytes())
        edit(before)
        before.replace(file)
    else:
        edit(file)
    out, err = run.communicate(timeout=200)
    assert run.returncode and f"input `other`: {file}: changed since it was planned" in " ".join((out + err).split())
    assert not list((busy.folder / "store" / "segment").glob("*/MANIFEST.json"))[1:]
    assert busy.plan() == {"first": "done", "second": "run"}
    busy.kfp("run", "-y", "demo.yaml")
    assert busy.plan() == {"first": "done", "second": "done"}
