"""Half precision on a GPU: which operations run in it, and a loss scaler whose state goes into checkpoints.

Code for GPUs alone was checked against the sources of Paddle 2.6 and 3.3, and has not been run.
"""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import paddle

from ernie_core.errors import BadInput
from ernie_core.train.settings import Settings

_WHITE = ("softmax", "layer_norm", "gelu", "dropout")
_BLACK = ("c_softmax_with_cross_entropy",)

_SAME_BITS = {"FLAGS_embedding_deterministic": 1, "FLAGS_cudnn_deterministic": True}
"""Without the first the GPU adds the rows of an embedding's gradient in no fixed order."""

INCREASE, DECREASE = 2.0, 0.5
STEADY = 1000
"""Number of steps without overflow after which the scale is raised."""


@dataclass
class Scaler:
    """The loss scale, so that small gradients do not vanish in float16; 1 for other types.

    A step whose gradients overflow is skipped and halves the scale; `STEADY` steps without overflow double it.
    """

    loss_scaling: float = 1.0
    incr_count: int = 0
    decr_count: int = 0
    moves: bool = False

    def accept(self, norm: float) -> bool:
        """Whether a step with this norm of the gradients may be made; adjusts the scale."""
        if not self.moves:
            return True
        if not math.isfinite(norm) and self.loss_scaling > 1.0:
            self.loss_scaling, self.incr_count = max(1.0, self.loss_scaling * DECREASE), 0
            self.decr_count += 1
            return False
        self.incr_count += 1
        if self.incr_count == STEADY:
            self.loss_scaling, self.incr_count = self.loss_scaling * INCREASE, 0
        return True

    def state(self) -> dict[str, float]:
        """State for checkpoints and the log; empty if the scale is fixed."""
        if not self.moves:
            return {}
        return {"loss_scaling": self.loss_scaling, "incr_count": self.incr_count, "decr_count": self.decr_count}

    def restore(self, state: dict[str, float]) -> None:
        """Resume from the state in a checkpoint; BadInput if it does not fit."""
        if set(state) != set(self.state()):
            raise BadInput(f"the checkpoint's loss scaler has {sorted(state)}, this training {sorted(self.state())}")
        if state:
            self.loss_scaling = float(state["loss_scaling"])
            self.incr_count, self.decr_count = int(state["incr_count"]), int(state["decr_count"])


def scaler(settings: Settings) -> Scaler:
    """The loss scaler of a training: bfloat16 has the range of float32 and needs none."""
    if settings.use_amp and settings.amp_dtype == "float16":
        return Scaler(settings.scale_loss, moves=True)
    return Scaler()


def check(settings: Settings, device: str) -> None:
    """BadInput for half precision where Paddle would silently compute in float32, or fail in the middle of a step."""
    if not settings.use_amp:
        return
    if not device.startswith("gpu"):
        raise BadInput(
            f"use_amp: there are no {settings.amp_dtype} kernels for `{device}`, all would be computed in float32;"
            " leave use_amp out, or train on a GPU"
        )
    if settings.amp_dtype == "bfloat16" and not paddle.amp.is_bfloat16_supported(device):
        raise BadInput(f"amp_dtype: `{device}` does not support bfloat16; set amp_dtype: float16, or use a newer GPU")
    if settings.amp_dtype == "float16" and not paddle.amp.is_float16_supported(device):
        raise BadInput(f"amp_dtype: `{device}` does not support float16; leave use_amp out, or use a newer GPU")


def keep_bits() -> None:
    """Make GPUs add up in a fixed order, as the host does, so that the same training ends with the same bits."""
    if paddle.is_compiled_with_cuda():
        paddle.set_flags(_SAME_BITS)


def context(settings: Settings) -> AbstractContextManager[object]:
    """The context of the forward pass."""
    if not settings.use_amp:
        return nullcontext()
    made: AbstractContextManager[object] = paddle.amp.auto_cast(
        custom_white_list=_WHITE, custom_black_list=_BLACK, level=settings.fp16_opt_level, dtype=settings.amp_dtype
    )
    return made


def cast(net: paddle.nn.Layer, settings: Settings) -> None:
    """With O2 cast all weights except norms to half precision; the optimiser keeps float32 copies."""
    if settings.use_amp and settings.fp16_opt_level == "O2":
        paddle.amp.decorate(models=net, level="O2", dtype=settings.amp_dtype, excluded_layers=paddle.nn.LayerNorm)
