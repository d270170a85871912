"""Paddle starts with CUDA's libraries, and computes where there is a GPU; run once when the image is built."""

import ctypes
import zlib

import numpy
import obstore
import paddle
import pydantic

KERNELS = {(6, 1), (7, 0), (7, 5), (8, 0), (8, 6), (8, 9)}
"""Compute capabilities that Paddle's wheel holds code for; 8.9 runs that of 8.6."""

assert (paddle.version.cuda(), paddle.version.cudnn()) == ("11.8", "8.6.0"), "another wheel than the lock is made for"
for library in ("libcublas.so", "libcudnn.so", "libnccl.so", "libcusolver.so"):
    ctypes.CDLL(library)  # as Paddle opens them
assert zlib.decompress(zlib.compress(b"after paddle")) == b"after paddle"
devices = paddle.device.cuda.device_count()
for device in range(devices):
    capability = paddle.device.cuda.get_device_capability(device)
    assert capability in KERNELS, f"GPU {device} has compute capability {capability}, there are kernels for {KERNELS}"
if devices:
    product = paddle.nn.LayerNorm(2)(paddle.matmul(paddle.ones([4, 8]), paddle.ones([8, 2])))
    assert numpy.array_equal(product.numpy(), numpy.zeros((4, 2), "float32"))
print(pydantic.VERSION, obstore.__name__, paddle.__version__, f"{devices} GPUs")
