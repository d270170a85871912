"""Folding constants: the same results with one table less and nothing unused."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from ernie_core.compress import fold

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)
MASK = np.array([[0], [1], [1], [1]], np.float32)


def masked_lookup() -> onnx.ModelProto:
    """A lookup in table x mask, as an embedding with a padding id is exported."""
    constant = helper.make_node("Constant", [], ["mask"], value=numpy_helper.from_array(MASK, "inner name"))
    nodes = [
        constant,
        helper.make_node("Mul", ["table", "mask"], ["masked"]),
        helper.make_node("Gather", ["masked", "ids"], ["rows"]),
    ]
    graph = helper.make_graph(
        nodes, "lookup",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["N"])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(TABLE, "table"), numpy_helper.from_array(TABLE, "nobody reads this")],
    )  # fmt: skip
    domains = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=domains, ir_version=8)


def ask(model: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"ids": np.array([0, 1, 3])})[0]


def test_a_masked_table_becomes_one_table_and_gives_the_same_rows() -> None:
    wanted = ask(masked_lookup())
    folded = fold.constants(masked_lookup())
    assert [node.op_type for node in folded.graph.node] == ["Gather"]
    assert [tensor.name for tensor in folded.graph.initializer] == ["masked"]
    onnx.checker.check_model(folded)
    np.testing.assert_array_equal(ask(folded), wanted)


def test_domains_that_no_node_uses_are_dropped() -> None:
    assert [entry.domain for entry in fold.unused_domains(masked_lookup()).opset_import] == [""]
