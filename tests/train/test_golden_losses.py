"""Losses of fixed trainings on a fixed corpus, compared with those recorded for machines like this one."""

import json
import math
import os
import platform
import warnings
from pathlib import Path

import paddle
import pytest
from train import trainer

from ernie_core.model import fused

GOLDEN = Path(__file__).parents[1] / "golden" / "losses.json"
KNOWN, UNKNOWN = 1e-5, 1e-4
"""How far a loss may be from one of the same kind of machine, and of any; noise of 1e-6 in all gradients makes 1e-6."""
REMEDY = "if that is meant, write it down: pytest tests/train/test_golden_losses.py --update-golden"

COMMON = {
    "arch": "2L32H2", "max_steps": 20, "max_seq_len": 32, "micro_batch_size": 4, "global_batch_size": 8,
    "split": "90,10", "eval_freq": 20, "eval_iters": 2, "checkpoint_steps": 20, "save_steps": 20,
    "max_lr": 5e-3, "min_lr": 1e-3, "warmup_rate": 0.2, "weight_decay": 0.1, "short_seq_prob": 0.3, "seed": 77,
}  # fmt: skip
RECIPES: dict[str, dict[str, object]] = {
    "both heads": {"layer_decay": 0.9, "masked_lm_prob": 0.15, "max_ngrams": 3},
    "one head, other masks": {
        "binary_head": False, "max_ngrams": 5, "favor_longer_ngram": True, "inplace_random_mask": True,
        "do_permutation": True, "masked_lm_prob": 0.3, "adam_beta2": 0.98, "grad_clip": 0.2,
    },
}  # fmt: skip


def machine() -> str:
    """What may decide the last bits: processor, vector instructions, Paddle, threads."""
    info = Path("/proc/cpuinfo")
    flags = set(info.read_text().split()) if info.is_file() else set()
    vectors = next((name for name, flag in (("AVX-512", "avx512f"), ("AVX2", "avx2")) if flag in flags), "plain")
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return f"{platform.machine()} {vectors}, paddle {paddle.__version__}, threads {threads}"


def losses(corpus: Path, root: Path, name: str) -> list[float]:
    """Of every step, then of the evaluation, with the six digits that logs have."""
    trainer.train(corpus, root, **COMMON, **RECIPES[name])
    lines = (root / "model/train_log.jsonl").read_text().splitlines()
    return [round(json.loads(text)["loss"], 6) for text in lines]


def furthest(one: list[float], other: list[float]) -> float:
    """The largest difference."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) if len(one) == len(other) else math.inf


def rewrite(name: str, here: str, found: list[float]) -> None:
    """Write these losses down, and forget those of machines that the same code cannot have made."""
    golden = json.loads(GOLDEN.read_text())
    kept = {there: said for there, said in golden.get(name, {}).items() if furthest(said, found) <= UNKNOWN}
    rows = dict(sorted({**kept, here: found}.items()))
    GOLDEN.write_text(json.dumps({**golden, name: rows}, indent=1, sort_keys=True) + "\n")


@pytest.mark.parametrize("name", RECIPES)
def test_losses_are_those_of_the_golden_file(
    corpus: Path, tmp_path: Path, name: str, request: pytest.FixtureRequest
) -> None:
    assert fused._native() is not None, "not compiled: python setup.py build_ext --inplace"
    found, here = losses(corpus, tmp_path, name), machine()
    assert len(found) == 21
    if request.config.getoption("--update-golden"):
        rewrite(name, here, found)
    golden = json.loads(GOLDEN.read_text())[name]
    if here in golden:
        assert furthest(found, golden[here]) <= KNOWN, f"losses of {here} have changed: {found}; {REMEDY}"
        return
    nearest = min(furthest(found, said) for said in golden.values())
    assert nearest <= UNKNOWN, f"on {here} losses are {nearest:g} from those of any known machine: {found}; {REMEDY}"
    warnings.warn(f"{here} is not in {GOLDEN.name} yet, its losses are near enough; {REMEDY}", stacklevel=1)
