"""Sweeps on this machine: no point is made twice, one that fails ends no other, the best is the artefact."""

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import trainings
from beginning import prepared
from machines import ROOT, Machine, wait_for

from components.contract.task import Task
from components.runtime import points
from ernie_core.store import open_store
from jobs.local import environments
from jobs.plan import sources

WORDS = "  - segment:\n  - vocab: {sweep: {size: [600, 160]}, best: max size, english_size: 0, han: seen}\n  - ids:\n"


def training(max_steps: int = 120, **more: object) -> str:
    """A sweep of a tiny training."""
    settings: dict[str, object] = {
        "arch": "1L32H2", "max_seq_len": 32, "micro_batch_size": 4, "global_batch_size": 8, "max_steps": max_steps,
        "checkpoint_steps": 20, "logging_freq": 10, "split": "1", "eval_iters": 0, "cpu": 1, "memory": "1GiB",
        "sweep": {"max_lr": [0.001, 0.01], "seed": [1, 2]}, "best": "min train_loss",
    }  # fmt: skip
    return f"{trainings.TEXT}  - pretrain: {json.dumps(settings | more)}\n"


def manifests(store: Path, component: str) -> dict[str, int]:
    """Address -> when its manifest was written, of every artefact of a component."""
    return {path.parent.name: path.stat().st_mtime_ns for path in store.glob(f"{component}/*/MANIFEST.json")}


def weights(store: Path, component: str) -> dict[str, str]:
    """Address -> digest of the weights."""
    files = store.glob(f"{component}/*/data-*/model_state.pdparams")
    return {path.parts[-3]: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def table(machine: Machine) -> dict[str, Any]:
    """The points of the sweep of a machine's store."""
    (folder,) = (machine.folder / "store").glob("*-sweep/*")
    address = f"{folder.parent.name}/{folder.name}"
    return dict(json.loads(machine.kfp("show", address, "--store", "store", "--json").stdout))


def processes(machine: Machine) -> dict[str, int]:
    """The living processes of the sweep: `step` leads, the others are the numbers of points."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (place / "cmdline").read_bytes().decode().split("\0")
            if "components" in words and "pretrain" in words and str(machine.home) in words[words.index("--task") + 1]:
                number = words[words.index("--task") + 1].removesuffix(".json").rpartition(".")[2]
                found[number if number.isdigit() else "step"] = int(place.name)
    return found


def test_the_artefact_is_the_best_point_and_later_steps_read_it(machine: Machine) -> None:
    machine.spec(WORDS)
    machine.kfp("run", "demo.yaml")
    store = machine.folder / "store"
    (swept,) = (store / "vocab-sweep").glob("*/data-*")
    found = table(machine)
    best = found["points"][found["best"]]
    assert found["rule"] == "max size" and best["varied"] == {"size": 600}
    assert best["scores"]["size"] == max(row["scores"]["size"] for row in found["points"])
    (point,) = (store / best["address"]).glob("data-*")
    same = {path.name: path.read_bytes() for path in swept.iterdir() if not path.name.startswith("sweep.")}
    assert same == {path.name: path.read_bytes() for path in point.iterdir()}
    page = (swept / "sweep.html").read_text()
    assert "the best by max size is marked" in page and "size 160" in page
    vocabulary = {path.read_bytes() for path in store.glob("ids/*/data-*/vocab.txt")}
    assert vocabulary == {(point / "vocab.txt").read_bytes()}
    assert machine.plan() == {"segment": "done", "vocab": "done", "ids": "done"}


def test_a_wider_sweep_makes_only_its_new_points_and_a_step_alone_finds_its_own(machine: Machine) -> None:
    machine.spec(WORDS)
    machine.kfp("run", "demo.yaml")
    before = manifests(machine.folder / "store", "vocab")
    machine.kfp("run", "demo.yaml", "--set", "vocab.sweep.size=[160, 600, 300]", "--set", "vocab.shards=2")
    after = manifests(machine.folder / "store", "vocab")
    assert len(after) == 3 and {name: after[name] for name in before} == before
    machine.spec(WORDS.replace("sweep: {size: [600, 160]}, best: max size", "size: 300"))
    assert machine.plan()["vocab"] == "done"


def test_status_shows_the_points_and_their_scores(machine: Machine) -> None:
    machine.spec(WORDS)
    machine.kfp("run", "demo.yaml")
    lines = machine.kfp("status").stdout.partition("vocab: 2 points, the best is that of max size")[2].splitlines()
    assert [line.split()[-1] for line in lines if line.strip()] == ["state", "best", "done"]


def test_a_point_that_fails_is_named_and_the_others_are_made(machine: Machine) -> None:
    with (machine.folder / "corpus" / "b.jsonl").open("w") as file:
        file.write('{"text": "今天天气很好"}\n{"text": "我们去公园"}\n{]\n')
    spec = machine.spec("  - segment: {sweep: {max_rejected: [0.001, 0.9, 0.5]}, best: min rejected}\n")
    spec.write_text(spec.read_text().replace("corpus/*.txt", "corpus/*"))
    done = machine.kfp("run", "demo.yaml", check=1)
    assert "1 of 3 points failed, 2 are made and kept; run again to retry only what failed:" in done.stderr
    assert "max_rejected 0.001: " in done.stderr
    assert [row["state"] for row in table(machine)["points"]] == ["failed", "done", "done"]
    assert "failed: " in machine.kfp("status").stdout
    before = manifests(machine.folder / "store", "segment")
    assert len(before) == 2 and "3 points, 2 done; 1 failed before, retried" in machine.kfp("plan", "demo.yaml").stdout
    machine.kfp("run", "demo.yaml", check=1)
    assert manifests(machine.folder / "store", "segment") == before
    machine.kfp("run", "demo.yaml", "--set", "segment.sweep.max_rejected=[0.9, 0.5]")
    assert len(list((machine.folder / "store" / "segment-sweep").glob("*/MANIFEST.json"))) == 1


def test_shares_of_a_sweep_leave_failures_to_the_process_that_chooses(machine: Machine, tmp_path: Path) -> None:
    with (machine.folder / "corpus" / "b.jsonl").open("w") as file:
        file.write('{"text": "今天天气很好"}\n{]\n')
    spec = machine.spec("  - segment: {sweep: {max_rejected: [0.001, 0.9, 0.5]}, best: min rejected}\n")
    spec.write_text(spec.read_text().replace("corpus/*.txt", "corpus/*"))
    job = prepared(machine)
    (node,) = job.nodes
    store = open_store(machine.folder / "store")
    data = json.dumps(sources.points(node)).encode()
    listing = f"listings/{hashlib.sha256(data).hexdigest()}.json"
    store.write(listing, data)
    task = Task(
        component="segment", name="segment", parameters=sources.parameters(node), fingerprint=node.fingerprint,
        address=node.address, store=store.url, inputs=sources.sources(node, job.inputs), job="demo", run="one",
        spec={"path": "demo.yaml"}, image={}, scratch=str(tmp_path / "scratch"), cache=str(machine.home),
        progress=str(tmp_path / "progress"), outcome=str(tmp_path / "outcome"), points_listing=listing,
        best=str(node.best),
    )  # fmt: skip
    environments.build("text", say=print)

    def process(run: str, *words: str) -> int:
        text = json.dumps({**task.to_json(), "run": run}, ensure_ascii=False)
        command = [str(environments.python("text")), "-m", "components", "segment", "--task", text, *words]
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode

    assert [process("one", "--shard", f"{n}/3") for n in (2, 0, 1)] == [0, 0, 0]
    assert [row["state"] for row in table(machine)["points"]] == ["failed", "done", "done"]
    before = points.one(store, node.address, 0)
    assert process("one") == 65, "the only failed point was refused for its data"
    assert points.one(store, node.address, 0) == before, "in the same run it is not tried again"
    assert process("two") == 65
    assert points.one(store, node.address, 0).run == "two"

    # a pod that is killed with its point says nothing; the one after it sees how often that was
    points.write(store, node.address, 0, points.PointRecord("running", run="three", attempts=3))
    assert process("three", "--shard", "0/3") == 0
    given_up = points.one(store, node.address, 0)
    assert given_up.state == "failed" and "its process was killed each time" in given_up.why


def test_a_score_that_no_point_has_is_told_which_there_are(machine: Machine) -> None:
    machine.spec(WORDS.replace("best: max size", "best: max coverage, sample: 1GiB"))
    done = machine.kfp("run", "demo.yaml", check=1)
    assert "no point has a finite `coverage`: choose the best by another score; the points have " in done.stderr
    assert " size" in done.stderr.partition("the points have ")[2].partition("\n")[0]


def test_a_gate_is_on_the_best_point(machine: Machine) -> None:
    machine.spec(WORDS.replace("best: max size", 'best: max size, require: {size: "<10"}'))
    done = machine.kfp("run", "demo.yaml", check=4)
    assert "gate: size is" in done.stderr


@pytest.mark.slow
def test_a_point_that_dies_each_time_is_given_up_and_the_others_are_made(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(training(checkpoint_steps=120, sweep={"seed": [1, 2]}))
    runner = machine.start("run", "demo.yaml")
    killed: set[int] = set()
    while runner.poll() is None:
        pid = processes(machine).get("0000")
        if pid and pid not in killed:
            killed.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    _, err = runner.communicate()
    assert runner.returncode == 1 and len(killed) == 3
    assert "seed 1: killed by SIGKILL, most likely out of memory: raise `memory:`; that was attempt 3" in err
    assert [row["state"] for row in table(machine)["points"]] == ["failed", "done"]
    before = manifests(machine.folder / "store", "pretrain")
    machine.kfp("run", "demo.yaml")
    after = manifests(machine.folder / "store", "pretrain")
    assert len(after) == 2 and {name: after[name] for name in before} == before
    assert not list((machine.folder / "store").glob("pretrain-sweep/*/points*/*")), "the artefact says it all"


@pytest.mark.slow
def test_ctrl_c_stops_a_sweep_which_resumes_inside_its_points(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(training(400, sweep={"seed": [1, 2]}, shards=2, checkpoint_steps=400))
    (machine.folder / "site.yaml").write_text("cpus: 2\n")
    runner = machine.start("run", "demo.yaml")
    log = wait_for(lambda: next((machine.folder / "store/runs").rglob("pretrain.log"), None))
    wait_for(lambda: all(f"[{n}] global step 30," in log.read_text() for n in (1, 2)))
    runner.send_signal(signal.SIGINT)
    _, err = runner.communicate(timeout=120)
    assert runner.returncode == 130, err
    assert not processes(machine)
    assert "2 points, 0 done; 2 resume" in machine.kfp("plan", "demo.yaml").stdout
    machine.kfp("run", "demo.yaml")
    assert machine.kfp("logs", "demo.yaml", "pretrain").stdout.count("resuming after step") == 2


@pytest.mark.slow
def test_a_point_may_be_a_gang(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(training(60, sweep={"seed": [1, 2]}, nodes=2))
    machine.kfp("run", "demo.yaml")
    log = machine.kfp("logs", "demo.yaml", "pretrain").stdout
    assert [row["state"] for row in table(machine)["points"]] == ["done", "done"]
    swept = weights(machine.folder / "store", "pretrain")
    machine.spec(training(60, sweep={"seed": [2]}, nodes=2), store="other")
    machine.kfp("run", "demo.yaml")
    alone = weights(machine.folder / "other", "pretrain")
    assert set(alone.values()) <= set(swept.values()), log


def disturb(machine: Machine, runner: "subprocess.Popen[str]", chance: random.Random) -> str:
    """Kill the run, the process that leads the sweep, or one that makes a point; what was hit."""
    if chance.random() < 0.3:
        os.killpg(runner.pid, signal.SIGKILL)
        return "run"
    alive = processes(machine)
    name = chance.choice(sorted(alive)) if alive else ""
    if name:
        with contextlib.suppress(ProcessLookupError):
            os.kill(alive[name], signal.SIGKILL)
    return name


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_sweep_that_is_killed_at_random_makes_no_point_twice_and_ends_the_same(machine: Machine, seed: int) -> None:
    machine.corpus(300)
    (machine.folder / "site.yaml").write_text("cpus: 2\n")
    machine.spec(training(shards=2))
    machine.kfp("run", "demo.yaml")
    undisturbed = machine.folder / "undisturbed"
    os.rename(machine.folder / "store", undisturbed)
    store, chance, made = machine.folder / "store", random.Random(seed), dict[str, int]()
    for _ in range(40):
        runner = machine.start("run", "demo.yaml")
        wait_for(lambda: processes(machine) or runner.poll() is not None)  # noqa: B023
        time.sleep(chance.uniform(0.5, 6))
        disturb(machine, runner, chance)
        _, err = runner.communicate(timeout=120)
        wait_for(lambda: not processes(machine))
        now = manifests(store, "pretrain")
        assert {name: now[name] for name in made} == made, "what is made is not made again"
        made = now
        if runner.returncode == 0:
            break
    else:
        raise AssertionError(err)
    assert weights(store, "pretrain") == weights(undisturbed, "pretrain")
    assert weights(store, "pretrain-sweep") == weights(undisturbed, "pretrain-sweep")
    (one,), (other,) = ([*root.glob("pretrain-sweep/*/data-*/sweep.json")] for root in (store, undisturbed))
    assert one.read_bytes() == other.read_bytes()
    assert one.with_name("sweep.html").read_bytes() == other.with_name("sweep.html").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("disturbed", [False, True])
def test_halving_stops_the_worse_half_and_the_others_end_as_without_it(machine: Machine, disturbed: bool) -> None:
    machine.corpus(300)
    (machine.folder / "site.yaml").write_text("cpus: 2\n")
    machine.spec(training(shards=2), store="whole")
    machine.kfp("run", "demo.yaml")
    machine.spec(training(shards=2, halving=[30, 60]))
    if disturbed:
        runner, chance = machine.start("run", "demo.yaml"), random.Random(5)
        wait_for(lambda: [*(machine.folder / "store").glob("pretrain/*/model_last")])
        time.sleep(chance.uniform(4, 10))
        disturb(machine, runner, chance)
        runner.communicate(timeout=120)
        wait_for(lambda: not processes(machine))
    machine.kfp("run", "demo.yaml")
    rows = table(machine)["points"]
    assert sorted(row["state"] for row in rows) == ["done", "halved", "halved", "halved"]
    assert sum("stopped at step 30: train_loss was" in row.get("why", "") for row in rows) == 2
    made = weights(machine.folder / "store", "pretrain")
    assert made.items() <= weights(machine.folder / "whole", "pretrain").items()
    (best,) = (row for row in rows if row["state"] == "done")
    assert list(made) == [best["address"].rpartition("/")[2]]
