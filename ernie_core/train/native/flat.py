"""The numbers of a tensor of the host as a flat array: the same memory, and whoever changes one changes the other."""

import math
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py

import numpy as np
import paddle

_FLOAT32 = np.dtype(np.float32).str


def view(tensor: paddle.Tensor) -> np.ndarray:
    """float32 of the host, in a row; keep no view beyond the step, for Paddle may move a tensor."""
    if tensor.dtype != paddle.float32 or not tensor.place.is_cpu_place() or not tensor.is_contiguous():
        kind = f"{tensor.dtype} on {tensor.place}" + ("" if tensor.is_contiguous() else ", not in a row")
        raise TypeError(f"a flat view is of float32 in a row on the host, not of {kind}")
    return np.asarray(_Laid(tensor))


def lay(tensor: paddle.Tensor, place: np.ndarray) -> None:
    """Move a tensor of the host to memory that others have too; it stays there, whatever it is set to."""
    np.copyto(place, view(tensor))
    tensor.get_tensor().set(place.reshape(tensor.shape), paddle.CPUPlace(), True)


class _Laid:
    """Where the numbers of a tensor are, said as numpy wants to hear it; the array keeps the tensor alive."""

    def __init__(self, tensor: paddle.Tensor) -> None:
        self.tensor = tensor
        data, shape = (tensor.data_ptr(), False), (math.prod(tensor.shape),)  # tensor.size takes ten times as long
        self.__array_interface__ = {"version": 3, "typestr": _FLOAT32, "data": data, "shape": shape}
