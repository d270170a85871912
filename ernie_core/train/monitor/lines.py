"""The lines of a training's log as text; parsers rely on the fields of PaddleNLP's line."""

import json
from collections.abc import Mapping


def of_step(step: int, losses: str, figures: Mapping[str, float]) -> str:
    """PaddleNLP's line, character by character; figures of the loss scaler only if there is one."""
    text = (
        f"global step {step}, {losses}, speed: {figures['train/steps_per_second']:.2f} steps/s,"
        f" ips: {figures['train/samples_per_second']:.2f} seqs/s, learning rate: {figures['train/learning_rate']:.5e}"
    )
    scaler = [
        (name, figures[f"amp/{name}"])
        for name in ("loss_scaling", "incr_count", "decr_count")
        if f"amp/{name}" in figures
    ]
    return text + "".join(f", {name}: {value:.2f}" for name, value in scaler)


def of_machine(step: int, figures: Mapping[str, float]) -> str:
    """This project's line with figures of the machine."""
    parts = [f"tokens: {figures['speed/tokens_per_second']:.0f} /s"]
    if "speed/flops_per_second" in figures:
        parts.append(f"model: {scaled(figures['speed/flops_per_second'])}FLOP/s")
    if "speed/flops_utilisation" in figures:
        parts.append(f"utilisation: {percent(figures['speed/flops_utilisation'])}")
    parts += [
        f"waiting for data: {percent(figures['speed/wait_share'])}",
        f"saving: {figures['speed/save_seconds']:.2f} s",
    ]
    parts += [f"{name} memory: {figures[tag] / 2**30:.2f} GiB" for name, tag in _MEMORY if tag in figures]
    return f"machine step {step}, " + ", ".join(parts)


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
