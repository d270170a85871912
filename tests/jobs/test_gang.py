"""Trainings of several processes on one machine: one dies, all start again, and the end is the same."""

import hashlib
import os
import signal
import time
from pathlib import Path

import trainings
from machines import Machine, wait_for

STEPS = """\
  - segment:
  - vocab: {size: 600, english_size: 0, han: seen}
  - ids:
  - pretrain:
      {arch: 1L32H2, max_seq_len: 32, micro_batch_size: 4, global_batch_size: 8, max_steps: 120, checkpoint_steps: 20,
       logging_freq: 50, split: "1", eval_iters: 0, nodes: 2, memory: 1GiB}
"""


def weights(machine: Machine, store: str) -> str:
    (file,) = (machine.folder / store / "pretrain").glob("*/data-*/model_state.pdparams")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def rank(machine: Machine, number: int) -> int | None:
    """The process of a rank of this machine's training."""
    return trainings.processes(machine).get(f"rank {number}")


def test_a_killed_rank_takes_all_along_and_they_go_on_from_the_last_checkpoint(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(STEPS)
    machine.kfp("run", "demo.yaml")
    machine.spec(STEPS, store="other")
    runner = machine.start("run", "demo.yaml")
    wait_for(lambda: list((machine.folder / "other" / "pretrain").glob("*/model_last")))
    os.kill(rank(machine, 1) or 0, signal.SIGKILL)
    _, err = runner.communicate(timeout=120)
    assert runner.returncode == 0, err
    log = machine.kfp("logs", "demo.yaml", "pretrain").stdout
    assert "rank 1 was killed by SIGKILL; restarting all 2 processes from model_" in log
    assert weights(machine, "other") == weights(machine, "store")


def test_a_rank_whose_launcher_dies_while_all_meet_does_not_live_on(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(STEPS)
    runner = machine.start("run", "demo.yaml")
    first = wait_for(lambda: rank(machine, 0))
    os.kill(first, signal.SIGSTOP)  # so that the other one waits for it
    try:
        other = wait_for(lambda: rank(machine, 1))
        launcher = int(Path(f"/proc/{other}/stat").read_text().rpartition(")")[2].split()[1])
        log = wait_for(lambda: next((machine.folder / "store/runs").rglob("pretrain.log"), None))
        wait_for(lambda: "rank 1 of 2 waits for the others, at most 1800 s" in log.read_text())
        time.sleep(1)  # it is in Paddle's own call then, which hears no signal
    finally:
        os.kill(first, signal.SIGKILL)
        os.kill(launcher, signal.SIGKILL)
    wait_for(lambda: rank(machine, 1) is None, 20)
    runner.communicate(timeout=60)
    assert runner.returncode == 1


def test_ranks_whose_launcher_dies_save_what_they_have_and_the_next_run_waits_for_them(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(STEPS.replace("max_steps: 120, checkpoint_steps: 20", "max_steps: 300, checkpoint_steps: 300"))
    runner = machine.start("run", "demo.yaml")
    log = wait_for(lambda: next((machine.folder / "store/runs").rglob("pretrain.log"), None))
    wait_for(lambda: "global step 50" in log.read_text())
    os.kill(int(Path(f"/proc/{rank(machine, 1)}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)
    runner.communicate(timeout=60)
    machine.kfp("run", "demo.yaml")
    logs = machine.kfp("logs", "demo.yaml", "pretrain").stdout
    assert "resuming after step" in logs
    assert not list((machine.folder / "store").glob("pretrain/*/lease.json")), "it is given back in the end"


def test_what_no_restart_can_cure_ends_a_training_at_once(machine: Machine) -> None:
    (machine.folder / "corpus" / "a.txt").write_text("研究生命的起源\n\n" * 20, encoding="utf-8")
    machine.spec(STEPS)
    done = machine.kfp("run", "demo.yaml", check=1)
    assert "not one sample: 20 documents, 20 of them with one sentence" in done.stderr
    assert "restarting all" not in machine.kfp("logs", "demo.yaml", "pretrain").stdout


def test_a_training_on_gpus_says_how_it_can_run_here(machine: Machine) -> None:
    machine.spec(STEPS.replace("nodes: 2", "nodes: 2, gpus: 1"))
    err = machine.kfp("run", "demo.yaml", check=4).stderr
    assert "`pretrain` needs 2 x 1 GPUs" in err and "--set pretrain.gpus=0" in err
