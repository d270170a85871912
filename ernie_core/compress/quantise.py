"""Dynamic post-training quantisation: int8 matrices and embedding tables, activations quantised at run time."""

from collections import Counter
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from ernie_core.compress import fold
from ernie_core.errors import Refused

MATRICES = "MatMulInteger"
TABLES = "DequantizeLinear"


def to_int8(source: Path, target: Path) -> None:
    """Write the int8 form of an exported model with folded constants; Refused if a matrix or table stayed float."""
    quantize_dynamic(
        source, target, op_types_to_quantize=["MatMul", "Gather"], per_channel=True, weight_type=QuantType.QInt8
    )
    model = fold.unused_domains(onnx.load(target))
    _check(onnx.load(source), model)
    onnx.save(model, target)


def operators(model: onnx.ModelProto) -> Counter[str]:
    """How often each operator occurs."""
    return Counter(node.op_type for node in model.graph.node)


def _check(before: onnx.ModelProto, after: onnx.ModelProto) -> None:
    """Count the quantised operators: the tool does not report that it found none."""
    weights = {tensor.name for tensor in before.graph.initializer}
    for kind, place, becomes in (("MatMul", 1, MATRICES), ("Gather", 0, TABLES)):
        wanted = sum(node.op_type == kind and node.input[place] in weights for node in before.graph.node)
        count = operators(after)[becomes]
        if not wanted or count < wanted:
            raise Refused(f"quantisation: {count} {becomes} for {wanted} {kind} with weights: the result is not int8")
