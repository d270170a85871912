"""Training that was killed ends with the same bits as training that was not."""

import hashlib
import os
import signal
from pathlib import Path

from machines import Machine, wait_for

STEPS = """\
  - segment:
  - vocab: {size: 600, english_size: 0, han: seen}
  - ids:
  - pretrain:
      {arch: 1L32H2, max_seq_len: 32, micro_batch_size: 8, max_steps: 300, checkpoint_steps: 20, logging_freq: 50,
       split: "1", eval_iters: 0, cpu: 1}
"""


def weights(machine: Machine, store: str) -> str:
    (file,) = (machine.folder / store / "pretrain").glob("*/data-*/model_state.pdparams")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def committed(machine: Machine, store: str) -> list[Path]:
    return list((machine.folder / store / "pretrain").glob("*/model_last"))


def test_a_killed_pretraining_resumes_and_ends_with_the_same_bits(machine: Machine) -> None:
    machine.corpus(300)
    machine.spec(STEPS)
    machine.kfp("run", "demo.yaml")
    machine.spec(STEPS, store="other")

    runner = machine.start("run", "demo.yaml")
    wait_for(lambda: committed(machine, "other"))
    os.kill(machine.step_pid("pretrain") or 0, signal.SIGKILL)
    assert runner.wait(60) == 1
    assert machine.plan()["pretrain"] == "resume"

    machine.kfp("resume")
    assert weights(machine, "other") == weights(machine, "store")
    assert "resuming after step" in machine.kfp("logs", "demo.yaml", "pretrain").stdout
