"""The lines of a training's log as text; the fields of PaddleNLP's are known to many a parser."""

import json
import math
from collections.abc import Mapping, Sequence


def three(means: Sequence[float], binary_head: bool) -> str:
    """Losses as PaddleNLP prints them: the parts only if there are two."""
    text = f"loss: {means[0]:.6f}"
    return f"{text}, lm_loss: {means[1]:.6f}, sop_loss: {means[2]:.6f}" if binary_head else text


def of_step(step: int, means: Sequence[float], said: Mapping[str, float], binary_head: bool) -> str:
    """PaddleNLP's line, to the letter; the figures of the loss scaler only if there is one."""
    text = (
        f"global step {step}, {three(means, binary_head)}, speed: {said['train/steps_per_second']:.2f} steps/s,"
        f" ips: {said['train/samples_per_second']:.2f} seqs/s, learning rate: {said['train/learning_rate']:.5e}"
    )
    scaler = [
        (name, said[f"amp/{name}"]) for name in ("loss_scaling", "incr_count", "decr_count") if f"amp/{name}" in said
    ]
    return text + "".join(f", {name}: {value:.2f}" for name, value in scaler)


def of_machine(step: int, said: Mapping[str, float]) -> str:
    """Our line beside it."""
    parts = [f"tokens: {said['speed/tokens_per_second']:.0f} /s"]
    if "speed/flops_per_second" in said:
        parts.append(f"model: {scaled(said['speed/flops_per_second'])}FLOP/s")
    if "speed/flops_utilisation" in said:
        parts.append(f"utilisation: {percent(said['speed/flops_utilisation'])}")
    parts += [f"waiting for data: {percent(said['speed/wait_share'])}", f"saving: {said['speed/save_seconds']:.2f} s"]
    parts += [f"{name} memory: {said[tag] / 2**30:.2f} GiB" for name, tag in _MEMORY if tag in said]
    return f"machine step {step}, " + ", ".join(parts)


def first_loss(loss: float, vocab_size: int, binary_head: bool) -> str:
    """Whether the first loss is that of random weights: if not, weights or data are not what they should be."""
    expected = math.log(vocab_size) + (math.log(2) if binary_head else 0.0)
    verdict = "as it should be" if abs(loss - expected) < 1.0 else "NOT as it should be: check vocabulary and data"
    return f"first loss {loss:.3f}, random weights give about {expected:.3f}: {verdict}"


def line(step: int, part: str, scores: Mapping[str, float]) -> str:
    """A line of train_log.jsonl."""
    return json.dumps({"step": step, "part": part, **scores})


def percent(share: float) -> str:
    """`0.123` as `12.3 %`."""
    return f"{100 * share:.3g} %"


def scaled(value: float) -> str:
    """`1234567` as `1.23 M`: three digits and a prefix."""
    for prefix, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g} {prefix}"
    return f"{value:.3g} "


_MEMORY = (("resident", "memory/resident_bytes"), ("gpu", "memory/gpu_bytes"))
