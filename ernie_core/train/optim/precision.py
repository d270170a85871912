"""Half precision on a GPU: which operations run in it, and a loss scaler whose state goes into checkpoints.

What is only for GPUs was read against the sources of Paddle 2.6 and 3.3, and has not been run.
"""

import math
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import paddle

from ernie_core.errors import BadInput
from ernie_core.pretrain.recipe import Recipe

_WHITE = ("softmax", "layer_norm", "gelu", "dropout")
_BLACK = ("c_softmax_with_cross_entropy",)

_SAME_BITS = {"FLAGS_embedding_deterministic": 1, "FLAGS_cudnn_deterministic": True}
"""Without the first the rows of an embedding's gradient are added in whatever order the GPU comes to them."""

INCREASE, DECREASE = 2.0, 0.5
STEADY = 1000
"""Steps without overflow after which the scale is raised."""


@dataclass
class Scaler:
    """What the loss is multiplied by, so that small gradients do not vanish in float16; 1 for other types.

    A step whose gradients overflow is skipped and halves the scale; `STEADY` good ones double it.
    """

    loss_scaling: float = 1.0
    incr_count: int = 0
    decr_count: int = 0
    moves: bool = False

    def accept(self, norm: float) -> bool:
        """Whether a step with this norm of the gradients may be made; moves the scale."""
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
        """What a checkpoint keeps and the log shows; nothing if the scale never moves."""
        if not self.moves:
            return {}
        return {"loss_scaling": self.loss_scaling, "incr_count": self.incr_count, "decr_count": self.decr_count}

    def restore(self, state: dict[str, float]) -> None:
        """Go on with what a checkpoint kept."""
        if set(state) != set(self.state()):
            raise BadInput(f"the checkpoint's loss scaler has {sorted(state)}, this training {sorted(self.state())}")
        if state:
            self.loss_scaling = float(state["loss_scaling"])
            self.incr_count, self.decr_count = int(state["incr_count"]), int(state["decr_count"])


def scaler(recipe: Recipe) -> Scaler:
    """The loss scaler of a training: bfloat16 has the range of float32 and needs none."""
    if recipe.use_amp and recipe.amp_dtype == "float16":
        return Scaler(recipe.scale_loss, moves=True)
    return Scaler()


def check(recipe: Recipe, device: str) -> None:
    """Refuse half precision where Paddle would compute in float32 without a word, or fail in the midst of a step."""
    if not recipe.use_amp:
        return
    if not device.startswith("gpu"):
        raise BadInput(
            f"use_amp: there are no {recipe.amp_dtype} kernels for `{device}`, all would be computed in float32;"
            " leave use_amp out, or train on a GPU"
        )
    if recipe.amp_dtype == "bfloat16" and not paddle.amp.is_bfloat16_supported(device):
        raise BadInput(f"amp_dtype: `{device}` does not know bfloat16; set amp_dtype: float16, or take a newer GPU")
    if recipe.amp_dtype == "float16" and not paddle.amp.is_float16_supported(device):
        raise BadInput(f"amp_dtype: `{device}` does not know float16; leave use_amp out, or take a newer GPU")


def keep_bits() -> None:
    """Have GPUs add up in a fixed order, so that the same training ends with the same bits; the host always does."""
    if paddle.is_compiled_with_cuda():
        paddle.set_flags(_SAME_BITS)


def context(recipe: Recipe) -> AbstractContextManager[object]:
    """What the forward pass runs under."""
    if not recipe.use_amp:
        return nullcontext()
    made: AbstractContextManager[object] = paddle.amp.auto_cast(
        custom_white_list=_WHITE, custom_black_list=_BLACK, level=recipe.fp16_opt_level, dtype=recipe.amp_dtype
    )
    return made


def cast(net: paddle.nn.Layer, recipe: Recipe) -> None:
    """O2: the weights themselves in half precision, all but norms; the optimiser keeps them in float32 beside."""
    if recipe.use_amp and recipe.fp16_opt_level == "O2":
        paddle.amp.decorate(models=net, level="O2", dtype=recipe.amp_dtype, excluded_layers=paddle.nn.LayerNorm)
