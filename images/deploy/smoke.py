"""The libraries of this image start and do one small thing each; run once when the environment is built."""

import zlib  # noqa: I001  (before paddle, see the train image)

import paddle
import paddle2onnx
import fastdeploy
import numpy
import obstore
import onnx
import onnxruntime
import pydantic
from onnx import TensorProto, helper

assert paddle.matmul(paddle.ones([2, 2]), paddle.ones([2, 2])).sum().item() == 8.0
assert zlib.decompress(zlib.compress(b"after paddle")) == b"after paddle"
graph = helper.make_graph(
    [helper.make_node("Add", ["x", "x"], ["y"])],
    "double",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
)
model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
onnx.checker.check_model(model)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
assert session.run(None, {"x": numpy.ones(2, "float32")})[0].tolist() == [2.0, 2.0]
assert callable(fastdeploy.RuntimeOption)
assert callable(paddle2onnx.export)
print(pydantic.VERSION, obstore.__name__, fastdeploy.__name__)
