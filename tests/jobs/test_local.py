"""Runs on this machine: what is done stays done, whatever dies."""

import json
import os
import signal
from pathlib import Path

import pytest
from disks import small
from machines import Machine, wait_for

TEXT = "  - segment:\n  - vocab: {size: 3000, english_size: 0, han: seen}\n  - ids:\n"
SLOW = (
    TEXT + "  - pretrain: {arch: 1L32H2, max_seq_len: 32, micro_batch_size: 8, max_steps: 600, checkpoint_steps: 600, "
    'logging_freq: 100, split: "1", eval_iters: 0, cpu: 1}\n'
)
"""A step that takes a while, to be killed in."""


def states(machine: Machine) -> dict[str, str]:
    return {name: "before" if row["already"] else row["state"] for name, row in machine.record()["steps"].items()}


def test_a_second_run_does_nothing_and_a_change_reruns_only_what_depends_on_it(machine: Machine) -> None:
    machine.spec(TEXT)
    first = machine.kfp("run", "demo.yaml")
    assert "state=done" in first.stderr and "step=ids" in first.stderr
    again = machine.kfp("run", "demo.yaml")
    assert "all is done, nothing to run" in again.stdout
    assert machine.plan("--set", "vocab.size=2000") == {"segment": "done", "vocab": "run", "ids": "run"}
    why = machine.kfp("why", "demo.yaml", "ids", "--set", "vocab.size=2000").stdout
    assert "because vocab runs: size: 3000 -> 2000" in why
    machine.kfp("run", "demo.yaml", "--set", "vocab.size=2000")
    assert states(machine) == {"segment": "before", "vocab": "done", "ids": "done"}


def test_a_killed_runner_takes_its_step_along_and_the_next_run_goes_on(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(SLOW)
    runner = machine.start("run", "demo.yaml")
    step = wait_for(lambda: machine.step_pid("pretrain"))
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    wait_for(lambda: not Path(f"/proc/{step}").exists() or Path(f"/proc/{step}/stat").read_text().split()[2] == "Z", 30)
    assert json.loads(machine.kfp("status", "--json").stdout)["state"] == "died"
    before = {"segment": "done", "vocab": "done", "ids": "done"}
    assert machine.plan() in ({**before, "pretrain": "run"}, {**before, "pretrain": "resume"})
    machine.kfp("run", "demo.yaml")
    assert states(machine) == {**dict.fromkeys(before, "before"), "pretrain": "done"}


def test_a_killed_step_fails_the_run_which_says_how_to_go_on(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(SLOW)
    runner = machine.start("run", "demo.yaml")
    os.kill(wait_for(lambda: machine.step_pid("pretrain")), signal.SIGKILL)
    out, err = runner.communicate(timeout=60)
    assert runner.returncode == 1
    assert "step `pretrain` failed: killed by SIGKILL: most likely out of memory" in err
    assert "kfp run demo.yaml" in out
    assert machine.plan()["pretrain"] == "run"


def test_ctrl_c_asks_every_step_to_stop_and_ends_with_130(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(SLOW)
    runner = machine.start("run", "demo.yaml")
    logs = machine.folder / "store" / "runs" / "demo"
    wait_for(lambda: any("first loss" in log.read_text() for log in logs.glob("*/logs/pretrain.log")))
    os.kill(runner.pid, signal.SIGINT)
    _, err = runner.communicate(timeout=60)
    assert runner.returncode == 130, err
    assert "stopping: every step saves and exits" in err
    assert machine.record()["state"] == "stopped"
    assert machine.step_pid("pretrain") is None
    assert machine.plan()["pretrain"] == "resume", "it saved, although the next checkpoint was far away"


def test_a_gate_that_does_not_pass_stops_the_run_before_the_next_step(machine: Machine) -> None:
    machine.spec(TEXT.replace("segment:", 'segment: {require: {documents: ">=1000"}}'))
    done = machine.kfp("run", "demo.yaml", check=4)
    assert "gate: documents is 40, required is >= 1000" in done.stderr
    assert states(machine) == {"segment": "refused", "vocab": "skipped", "ids": "skipped"}
    assert machine.plan() == {"segment": "refused", "vocab": "blocked", "ids": "blocked"}
    machine.kfp("run", "demo.yaml", check=4)
    machine.kfp("run", "demo.yaml", "--set", "segment.require.documents=>=10")
    failed = machine.kfp("run", "demo.yaml", "--set", "segment.require.documents=>=99", check=4)
    assert "--set 'segment.require.documents=>=99'" in failed.stdout, "the command to go on can be pasted into a shell"


def test_a_tampered_artefact_is_named_and_redo_makes_it_again(machine: Machine) -> None:
    machine.spec("  - segment:\n")
    machine.kfp("run", "demo.yaml")
    machine.spec(TEXT)
    part = next((machine.folder / "store" / "segment").rglob("part-*.jsonl"))
    os.chmod(part, 0o644)
    data = part.read_bytes()
    part.write_bytes(data[:-3] + b"x" + data[-2:])
    done = machine.kfp("run", "demo.yaml", check=1)
    assert part.name in done.stderr
    assert "--redo segment" in done.stderr + done.stdout
    machine.kfp("run", "demo.yaml", "--redo", "segment")


def test_text_that_is_not_utf8_names_the_file_and_the_line(machine: Machine) -> None:
    (machine.folder / "corpus" / "a.txt").write_bytes("好的。\n".encode() + b"\xff\xfe\xff\n" * 50)
    machine.spec(TEXT)
    done = machine.kfp("run", "demo.yaml", check=1)
    assert "a.txt:2" in done.stderr
    assert not list((machine.folder / "store" / "segment").glob("*/MANIFEST.json"))


def test_a_glob_without_a_match_is_an_error_of_the_spec(machine: Machine) -> None:
    machine.spec(TEXT)
    (machine.folder / "corpus" / "a.txt").unlink()
    done = machine.kfp("run", "demo.yaml", check=2)
    assert "demo.yaml:5: inputs.mine.text: no file matches `corpus/*.txt`" in done.stderr


def test_a_store_that_does_not_answer_is_named_with_its_endpoint(machine: Machine) -> None:
    machine.environment = {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "topsecret",
    }
    machine.spec(TEXT, store="s3://bucket/x")
    done = machine.kfp("plan", "demo.yaml", check=1)
    assert "127.0.0.1:9" in done.stderr
    assert "topsecret" not in done.stderr + done.stdout


def test_a_full_disk_is_one_clear_message_and_the_run_goes_on_when_there_is_room(machine: Machine) -> None:
    with small(machine.folder / "small", "300k") as disk:
        place = disk.folder
        machine.corpus(8000)
        machine.spec(TEXT, store="small/store")
        done = machine.kfp("run", "demo.yaml", check=1)
        assert "disk full" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(place.rglob("segment/*/MANIFEST.json"))
        assert os.system(f"mount -o remount,size=100m {place}") == 0
        machine.kfp("run", "demo.yaml")


def test_a_detached_run_is_joined_watched_and_cancelled(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(SLOW)
    run = machine.kfp("run", "demo.yaml", "-d").stdout.split()[0]
    joined = machine.start("run", "demo.yaml")
    wait_for(lambda: machine.step_pid("pretrain"))
    assert json.loads(machine.kfp("status", run, "--json").stdout)["state"] == "running"
    machine.kfp("cancel", run)
    _, err = joined.communicate(timeout=60)
    assert f"joining demo/{run}, which does the same work" in err
    assert joined.returncode == 130
    assert machine.record()["id"] == run, "the second command started no run of its own"
    machine.kfp("resume", run)
    assert set(machine.plan().values()) == {"done"}


def test_logs_and_listings_show_what_was_made(machine: Machine) -> None:
    machine.spec(TEXT)
    machine.kfp("run", "demo.yaml")
    assert "documents=40" in machine.kfp("logs").stdout
    rows = json.loads(machine.kfp("ls", "--json").stdout)
    assert {row["kind"] for row in rows} == {"words", "vocab", "ids"}
    address = next(row["artefact"] for row in rows if row["kind"] == "ids")
    assert "every file verified" in machine.kfp("ls", address, "--verify").stdout
    origin = machine.kfp("why", address).stdout
    assert "step `segment`" in origin and "input mine: 1 files" in origin


TWO = """\
  - segment: {as: one, shards: 1, memory: 1GiB}
  - segment: {as: two, shards: 1, memory: 1GiB, max_rejected: 0.01}
"""


def overlap(machine: Machine) -> bool:
    rows = [json.loads(f.read_text())["info"] for f in (machine.folder / "store" / "segment").glob("*/MANIFEST.json")]
    first, second = sorted((row["started"], row["ended"]) for row in rows)
    return bool(second[0] < first[1])


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core runs one step at a time")
def test_steps_that_do_not_wait_for_each_other_run_side_by_side_within_cores_and_memory(machine: Machine) -> None:
    machine.corpus(60000)
    machine.spec(TWO)
    machine.kfp("run", "demo.yaml")
    assert overlap(machine)
    (machine.folder / "site.yaml").write_text("memory: 1536MiB\n")
    machine.kfp("run", "demo.yaml", "--redo", "one", "--redo", "two")
    assert not overlap(machine)


def test_a_step_that_wants_more_memory_than_there_is_never_starts(machine: Machine) -> None:
    machine.spec("  - segment: {memory: 500TiB}\n")
    assert "`segment` needs 500.0 TiB of memory" in machine.kfp("run", "demo.yaml", check=4).stderr


def test_a_step_that_takes_too_long_is_stopped(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(SLOW.replace("cpu: 1", "cpu: 1, timeout: 1s"))
    assert "took longer than its `timeout:` of 1s" in machine.kfp("run", "demo.yaml", check=1).stderr


def test_two_jobs_that_need_the_same_step_make_it_once(machine: Machine) -> None:
    machine.corpus(60000)
    machine.spec("  - segment:\n")
    machine.spec("  - segment:\n", name="other")
    runners = [machine.start("run", f"{name}.yaml") for name in ("demo", "other")]
    said = [runner.communicate(timeout=120) for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], said
    logs = [f.read_text() for f in (machine.folder / "store" / "runs").rglob("segment.log")]
    assert sum("state=done" in log for log in logs) == 1, "one made it, the other waited for it"
    assert sum("waiting for another process" in log for log in logs) == 1
