"""Constant folding in an exported ONNX graph."""

import numpy as np
import onnx
from onnx import numpy_helper


def constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with Constant nodes as initialisers, products of constants multiplied, and nothing unused.

    The exporter writes an embedding with a padding id as table x mask, a second full table until it is folded; and
    quantisation finds weights only among the initialisers.
    """
    graph = model.graph
    known = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            known[node.output[0]] = _named(node.attribute[0].t, node.output[0])
        elif node.op_type == "Mul" and all(name in known for name in node.input):
            first, second = (numpy_helper.to_array(known[name]) for name in node.input)
            known[node.output[0]] = numpy_helper.from_array(np.multiply(first, second), node.output[0])
        else:
            kept.append(node)
    used = {name for node in kept for name in node.input} | {output.name for output in graph.output}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(tensor for name, tensor in known.items() if name in used)
    return model


def unused_domains(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model without imports of operator domains that no node uses: older runtimes refuse them."""
    used = {node.domain or "" for node in model.graph.node} | {""}
    kept = [entry for entry in model.opset_import if (entry.domain or "") in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    return model


def _named(tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
    copy = onnx.TensorProto()
    copy.CopyFrom(tensor)
    copy.name = name
    return copy
