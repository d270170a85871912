"""Flat arrays over the memory of tensors on the host: a change of one changes the other."""

import math

import numpy as np
import paddle

_FLOAT32 = np.dtype(np.float32).str


def view(tensor: paddle.Tensor) -> np.ndarray:
    """A flat float32 view of a contiguous tensor on the host; not to be kept beyond a step, Paddle may move tensors."""
    if tensor.dtype != paddle.float32 or not tensor.place.is_cpu_place() or not tensor.is_contiguous():
        kind = f"{tensor.dtype} on {tensor.place}" + ("" if tensor.is_contiguous() else ", not contiguous")
        raise TypeError(f"a flat view needs contiguous float32 on the host, not {kind}")
    return np.asarray(_Laid(tensor))


def lay(tensor: paddle.Tensor, place: np.ndarray) -> None:
    """Move a tensor of the host to shared memory; it stays there when it is set."""
    np.copyto(place, view(tensor))
    tensor.get_tensor().set(place.reshape(tensor.shape), paddle.CPUPlace(), True)


class _Laid:
    """The memory of a tensor as numpy's array interface; the array keeps the tensor alive."""

    def __init__(self, tensor: paddle.Tensor) -> None:
        self.tensor = tensor
        data, shape = (tensor.data_ptr(), False), (math.prod(tensor.shape),)  # tensor.size takes ten times as long
        self.__array_interface__ = {"version": 3, "typestr": _FLOAT32, "data": data, "shape": shape}
