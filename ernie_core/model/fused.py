"""Fused operations with gradients for training on a CPU: everything between the matrix products of a layer.

With Paddle's own operations a small model spends most of a step there. The nets use these where `usable` allows it, and
elsewhere equal modules in plain Paddle. A dropout mask is a pure function of a key and the number of the element: the
same key gives the same bits, in any order and on any processor.
"""

from collections.abc import Callable
from types import ModuleType

import paddle
from paddle import nn
from paddle.autograd import PyLayer, PyLayerContext

from ernie_core import native

_WORD = 2**64 - 1


def is_compiled() -> bool:
    """Whether these operations are compiled; the plain ones draw other dropout masks."""
    return _native() is not None


def usable(net: nn.Layer, x: paddle.Tensor) -> bool:
    """Whether a net in training may use these operations on x."""
    return net.training and is_compiled() and paddle.in_dynamic_mode() and x.place.is_cpu_place()


def draw() -> int:
    """A random key for one pass through a net, from Paddle's generator."""
    high, low = paddle.randint(0, 2**31 - 1, [2], dtype="int64").tolist()
    return int(high) << 32 | int(low)


def key_of(key: int, site: int) -> int:
    """The key of one of many dropouts of a pass."""
    x = (key + (site + 1) * 0x9E3779B97F4A7C15) & _WORD
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & _WORD
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & _WORD
    return x ^ x >> 31


def norm(
    x: paddle.Tensor,
    bias: paddle.Tensor,
    residual: paddle.Tensor,
    layer: nn.LayerNorm,
    rate: float = 0.0,
    key: int = 0,
) -> paddle.Tensor:
    """layer(residual + dropout(x + bias)), over the last axis."""
    return _Norm.apply(x, bias, residual, layer.weight, layer.bias, layer._epsilon, rate, key)


def activate(x: paddle.Tensor, bias: paddle.Tensor, name: str) -> paddle.Tensor:
    """gelu or relu of x + bias."""
    return _Activate.apply(x, bias, name)


def weigh(scores: paddle.Tensor, term: paddle.Tensor, rate: float, key: int) -> paddle.Tensor:
    """dropout(softmax(scores + term)) for scores [B, heads, L, L] and a term [B, 1, 1, L]; overwrites the scores."""
    return _Weigh.apply(scores, term, rate, key)


def split(x: paddle.Tensor, bias: paddle.Tensor, heads: int, scale: float = 1.0) -> paddle.Tensor:
    """(x + bias) * scale, from [B, L, H] to [B, heads, L, H / heads]."""
    return _Split.apply(x, bias, heads, scale)


def shift(x: paddle.Tensor, bias: paddle.Tensor) -> paddle.Tensor:
    """x + bias for x [N, V]: the gradient of a large bias is slow in Paddle."""
    return _Split.apply(x.unsqueeze(0), bias, 1, 1.0).reshape(x.shape)


def merge(x: paddle.Tensor) -> paddle.Tensor:
    """Back from [B, heads, L, H / heads] to [B, L, H]."""
    return _Merge.apply(x)


def dropout(x: paddle.Tensor, rate: float, key: int) -> paddle.Tensor:
    """x with a share `rate` of its elements at zero and the others scaled up."""
    return _Dropout.apply(x, rate, key) if rate else x


class _Norm(PyLayer):
    @staticmethod
    def forward(ctx: PyLayerContext, x, bias, residual, gain, shift, epsilon, rate, key):  # type: ignore[no-untyped-def]
        x, residual = _whole(x), _whole(residual)
        width = x.shape[-1]
        rows = x.size // width
        out, unit, inverse = paddle.empty_like(x), paddle.empty_like(x), paddle.empty([rows])
        sources = [t.data_ptr() for t in (x, bias, residual, gain, shift, out, unit, inverse)]
        _kernel("norm_forward")(*sources, rows, width, epsilon, rate, key)
        ctx.save_for_backward(unit, inverse, gain)
        ctx.wanted = _wanted(x, bias, residual, gain, shift)
        ctx.said = rows, width, rate, key
        return out

    @staticmethod
    def backward(ctx: PyLayerContext, d_out):  # type: ignore[no-untyped-def]
        unit, inverse, gain = ctx.saved_tensor()
        d_out = _whole(d_out)
        d_residual, d_x = paddle.empty_like(d_out), paddle.empty_like(d_out)
        d_bias, d_gain, d_shift = (paddle.zeros_like(gain) for _ in range(3))
        places = [t.data_ptr() for t in (d_out, unit, inverse, gain, d_residual, d_x, d_bias, d_gain, d_shift)]
        _kernel("norm_backward")(*places, *ctx.said)
        return _only(ctx, d_x, d_bias, d_residual, d_gain, d_shift)


class _Activate(PyLayer):
    @staticmethod
    def forward(ctx: PyLayerContext, x, bias, name):  # type: ignore[no-untyped-def]
        x = _whole(x)
        out, width = paddle.empty_like(x), x.shape[-1]
        ctx.save_for_backward(x, bias)
        ctx.wanted = _wanted(x, bias)
        ctx.said = name, x.size // width, width
        _kernel(f"{name}_forward")(x.data_ptr(), bias.data_ptr(), out.data_ptr(), *ctx.said[1:])
        return out

    @staticmethod
    def backward(ctx: PyLayerContext, d_out):  # type: ignore[no-untyped-def]
        x, bias = ctx.saved_tensor()
        d_out = _whole(d_out)
        d_x, d_bias = paddle.empty_like(x), paddle.zeros_like(bias)
        places = [t.data_ptr() for t in (d_out, x, bias, d_x, d_bias)]
        _kernel(f"{ctx.said[0]}_backward")(*places, *ctx.said[1:])
        return _only(ctx, d_x, d_bias)


class _Weigh(PyLayer):
    @staticmethod
    def forward(ctx: PyLayerContext, scores, term, rate, key):  # type: ignore[no-untyped-def]
        scores, term = _whole(scores), _whole(term)
        batch, heads, length, width = scores.shape
        out = paddle.empty_like(scores)
        ctx.said = batch * heads * length, width, rate, key
        places = scores.data_ptr(), term.data_ptr(), out.data_ptr()
        _kernel("softmax_forward")(*places, *ctx.said[:2], heads * length, rate, key)
        ctx.save_for_backward(scores)
        return out

    @staticmethod
    def backward(ctx: PyLayerContext, d_out):  # type: ignore[no-untyped-def]
        (weights,) = ctx.saved_tensor()
        d_out = _whole(d_out)
        d_scores = paddle.empty_like(weights)
        _kernel("softmax_backward")(d_out.data_ptr(), weights.data_ptr(), d_scores.data_ptr(), *ctx.said)
        return d_scores, None


class _Split(PyLayer):
    @staticmethod
    def forward(ctx: PyLayerContext, x, bias, heads, scale):  # type: ignore[no-untyped-def]
        x = _whole(x)
        batch, length, size = x.shape
        ctx.wanted = _wanted(x, bias)
        out = paddle.empty([batch, heads, length, size // heads])
        ctx.said = batch, length, heads, size // heads, scale
        _kernel("split_forward")(x.data_ptr(), bias.data_ptr(), out.data_ptr(), *ctx.said)
        return out

    @staticmethod
    def backward(ctx: PyLayerContext, d_out):  # type: ignore[no-untyped-def]
        batch, length, heads, width, _ = ctx.said
        d_out = _whole(d_out)
        d_x, d_bias = paddle.empty([batch, length, heads * width]), paddle.zeros([heads * width])
        _kernel("split_backward")(d_out.data_ptr(), d_x.data_ptr(), d_bias.data_ptr(), *ctx.said)
        return _only(ctx, d_x, d_bias)


class _Merge(PyLayer):
    @staticmethod
    def forward(ctx: PyLayerContext, x):  # type: ignore[no-untyped-def]
        x = _whole(x)
        batch, heads, length, width = x.shape
        ctx.said = batch, length, heads, width, 1.0
        out, unused = paddle.empty([batch, length, heads * width]), paddle.zeros([heads * width])
        _kernel("split_backward")(x.data_ptr(), out.data_ptr(), unused.data_ptr(), *ctx.said)
        return out

    @staticmethod
    def backward(ctx: PyLayerContext, d_out):  # type: ignore[no-untyped-def]
        batch, length, heads, width, _ = ctx.said
        d_out = _whole(d_out)
        d_x, nothing = paddle.empty([batch, heads, length, width]), paddle.zeros([heads * width])
        _kernel("split_forward")(d_out.data_ptr(), nothing.data_ptr(), d_x.data_ptr(), *ctx.said)
        return d_x


class _Dropout(PyLayer):
    @staticmethod
    def forward(ctx: PyLayerContext, x, rate, key):  # type: ignore[no-untyped-def]
        ctx.said = rate, key
        return _drop(x, rate, key)

    @staticmethod
    def backward(ctx: PyLayerContext, d_out):  # type: ignore[no-untyped-def]
        return _drop(d_out, *ctx.said)


def _drop(x: paddle.Tensor, rate: float, key: int) -> paddle.Tensor:
    x = _whole(x)
    out = paddle.empty_like(x)
    _kernel("drop")(x.data_ptr(), out.data_ptr(), x.size, rate, key)
    return out


def _wanted(*inputs: paddle.Tensor) -> list[bool]:
    return [not x.stop_gradient for x in inputs]


def _only(ctx: PyLayerContext, *gradients: paddle.Tensor) -> tuple[paddle.Tensor | None, ...]:
    """The gradients, with None for inputs that need none, as Paddle expects."""
    return tuple(g if wanted else None for g, wanted in zip(gradients, ctx.wanted, strict=True))


def _native() -> ModuleType | None:
    return native.load("ernie_core.model._fused", "training on a CPU takes twice as long")


def _kernel(name: str) -> Callable[..., None]:
    found: Callable[..., None] = getattr(_native(), name)
    return found


def _whole(x: paddle.Tensor) -> paddle.Tensor:
    """A contiguous float32 tensor, as the kernels expect."""
    if x.dtype != paddle.float32:
        raise TypeError(f"fused operations compute in float32, not {x.dtype}")
    return x if x.is_contiguous() else x.contiguous()
