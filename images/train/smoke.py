"""The libraries of this image start and do one small thing each; run once when the environment is built."""

import zlib

import numpy
import obstore
import paddle
import pydantic

product = paddle.matmul(paddle.ones([4, 8]), paddle.ones([8, 2]))
assert numpy.array_equal(product.numpy(), numpy.full((4, 2), 8.0, "float32"))
assert zlib.decompress(zlib.compress(b"after paddle")) == b"after paddle"
print(pydantic.VERSION, obstore.__name__, paddle.__version__)
