"""Settings of a pretraining that cannot go together, said alike to whoever writes a spec and to who trains.

Imports nothing heavy: the command line asks before there is any Paddle.
"""

from typing import Protocol

from ernie_core.data.shares import fractions_of
from ernie_core.errors import BadInput
from ernie_core.model import config as configs


class Settings(Protocol):
    """Those that depend on each other, each of which is within its own range."""

    @property
    def arch(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def max_steps(self) -> int: ...
    @property
    def max_seq_len(self) -> int: ...
    @property
    def max_position_embeddings(self) -> int: ...
    @property
    def micro_batch_size(self) -> int: ...
    @property
    def global_batch_size(self) -> int | None: ...
    @property
    def max_lr(self) -> float: ...
    @property
    def min_lr(self) -> float: ...
    @property
    def warmup_rate(self) -> float: ...
    @property
    def decay_steps(self) -> int | None: ...


def contradictions(settings: Settings) -> list[str]:
    """Why no training can have these settings, each with the remedy; none if one can."""
    found = []
    if settings.min_lr > settings.max_lr:
        found.append(f"min_lr {settings.min_lr} is above max_lr {settings.max_lr}: lower min_lr")
    if not 8 <= settings.max_seq_len <= settings.max_position_embeddings:
        found.append(
            f"max_seq_len {settings.max_seq_len} must be in 8..max_position_embeddings"
            f" {settings.max_position_embeddings}: lower the first or raise the second"
        )
    size = settings.global_batch_size
    if size is not None and size % settings.micro_batch_size:
        near = -(-size // settings.micro_batch_size) * settings.micro_batch_size
        found.append(
            f"global_batch_size {size} is not a multiple of micro_batch_size {settings.micro_batch_size}:"
            f" it must be a multiple, such as {near}"
        )
    try:
        configs.shape(settings.arch, vocab_size=1)
    except BadInput as error:
        found.append(f"arch {settings.arch}: {error}")
    try:
        fractions_of(settings.split)
    except BadInput as error:
        found.append(str(error))
    return found


def jump(settings: Settings) -> str:
    """Why the learning rate never falls but jumps, if it does: a training can do it, a person hardly means it."""
    warm, last = settings.warmup_rate * settings.max_steps, settings.decay_steps
    if last is None or last > warm or last == settings.max_steps:
        return ""
    return (
        f"decay_steps {last} is not after the warm-up, which takes {warm:g} steps (warmup_rate {settings.warmup_rate:g}"
        f" of max_steps {settings.max_steps}): raise decay_steps or lower warmup_rate"
    )


def accumulate(global_batch_size: int, micro_batch_size: int, world: int) -> int:
    """Micro batches of one step in each of `world` processes. BadInput if they cannot be shared out evenly."""
    if global_batch_size // micro_batch_size % world:
        raise BadInput(
            f"global_batch_size {global_batch_size} does not divide into {world} processes with a"
            f" micro_batch_size of {micro_batch_size}: make it a multiple of {world * micro_batch_size},"
            " or train with fewer processes"
        )
    return global_batch_size // micro_batch_size // world
