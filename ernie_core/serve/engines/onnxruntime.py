"""Plain ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime

from ernie_core.errors import BadInput
from ernie_core.serve.engines import Engine


def load(model: Path, threads: int) -> Engine:
    """A session on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as e:  # its own exceptions have no common base
        raise BadInput(f"{model}: onnxruntime {onnxruntime.__version__} cannot load it: {e}") from e
    names = [output.name for output in session.get_outputs()]

    def run(**inputs: np.ndarray) -> list[np.ndarray]:
        outputs: list[np.ndarray] = session.run(names, inputs)
        return outputs

    return run
