"""FastDeploy with its ONNX Runtime backend.

Its Paddle backend with default options gives wrong logits once the batch size changes, so nothing is left to defaults.
"""

from pathlib import Path

import fastdeploy
import numpy as np

from ernie_core.errors import BadInput
from ernie_core.serve.engines import Engine


def load(model: Path, threads: int) -> Engine:
    """A runtime on the CPU."""
    fastdeploy.set_logger(False, False)
    option = fastdeploy.RuntimeOption()
    option.set_model_path(str(model), "", fastdeploy.ModelFormat.ONNX)
    option.use_cpu()
    option.use_ort_backend()
    option.set_cpu_thread_num(threads)
    option.ort_option.intra_op_num_threads = threads
    option.ort_option.inter_op_num_threads = 1
    try:
        runtime = fastdeploy.Runtime(option)
    except (AssertionError, RuntimeError) as e:
        raise BadInput(f"{model}: fastdeploy {fastdeploy.__version__} cannot load it: {e}") from e

    def run(**inputs: np.ndarray) -> list[np.ndarray]:
        return [np.array(output) for output in runtime.infer(inputs)]

    return run
