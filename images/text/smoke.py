"""The libraries of this image start and do one small thing each; run once when the environment is built."""

from importlib.util import find_spec

import jieba
import numpy
import obstore
import pydantic
import sentencepiece
import zstandard

assert "".join(jieba.cut("知识增强")) == "知识增强"
assert zstandard.decompress(zstandard.compress(b"ernie")) == b"ernie"
assert find_spec("LAC")  # only its models are used; importing it needs an old Paddle
assert numpy.arange(3).sum() == 3
print(pydantic.VERSION, obstore.__name__, sentencepiece.__version__)
