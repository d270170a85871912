"""The libraries of this image start and do one small thing each; run once when the environment is built."""

import jieba
import numpy
import obstore
import pydantic
import rjieba
import sentencepiece

assert "".join(rjieba.cut("知识增强")) == "".join(jieba.cut("知识增强"))
assert numpy.arange(3).sum() == 3
print(pydantic.VERSION, obstore.__name__, sentencepiece.__version__)
