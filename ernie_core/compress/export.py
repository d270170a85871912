"""A fine-tuned model as a static Paddle graph, and that graph as ONNX."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import paddle

from ernie_core.compress import fold
from ernie_core.errors import Refused
from ernie_core.model import config as configs
from ernie_core.model import weights
from ernie_core.model.ernie import blank
from ernie_core.tasks.task import Task

PREFIX = "model"
OPSET = 13
"""The first opset with a scale per channel, and one that the ONNX Runtime of FastDeploy supports."""

_EXPORT = "from sys import argv; import paddle2onnx; paddle2onnx.export(*argv[1:4], opset_version=int(argv[4]))"


def opened(finetuned: Path, task: Task[Any, Any]) -> paddle.nn.Layer:
    """The fine-tuned net in evaluation mode."""
    with blank():
        net = task.net(configs.read(finetuned))
    weights.load(net, finetuned)
    net.eval()
    return net


def ask(net: paddle.nn.Layer, **inputs: np.ndarray) -> list[np.ndarray]:
    """The outputs of a net for inputs by name; with the net bound it is an engine."""
    with paddle.no_grad():
        outputs = net(**{name: paddle.to_tensor(array) for name, array in inputs.items()})
    return [output.numpy() for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def to_static(finetuned: Path, task: Task[Any, Any], folder: Path) -> paddle.nn.Layer:
    """Write `model.pdmodel` and `model.pdiparams`, with the inputs that the net has of the task, int64 [None, None]
    each, and its outputs.

    Returns the net. The same fine-tuned model gives the same bytes.
    """
    names = task.fed(configs.read(finetuned))
    spec = [paddle.static.InputSpec([None, None], "int64", name=name) for name in names]
    # Names must not depend on layers that this process built before.
    with paddle.utils.unique_name.guard():
        net = opened(finetuned, task)
        paddle.jit.save(net, str(folder / PREFIX), input_spec=spec)
    (folder / f"{PREFIX}.pdiparams.info").unlink(missing_ok=True)
    graph = folder / f"{PREFIX}.pdmodel"
    graph.write_bytes(_without_stacks(graph.read_bytes()))
    return net


def to_onnx(folder: Path, target: Path) -> None:
    """Write the static graph of a folder as ONNX with folded constants. Refused if the exporter fails."""
    raw = target.with_suffix(".raw")
    graph, parameters = folder / f"{PREFIX}.pdmodel", folder / f"{PREFIX}.pdiparams"
    # In a separate process: the exporter aborts on an unknown operator.
    command = [sys.executable, "-c", _EXPORT, str(graph), str(parameters), str(raw), str(OPSET)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    # It may also fail with exit code 0 and an empty file.
    if done.returncode or not raw.is_file() or not raw.stat().st_size:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise Refused(f"paddle2onnx could not export {graph.name} (exit code {done.returncode}):\n{said}")
    model = fold.constants(onnx.load(raw))
    onnx.checker.check_model(model)
    onnx.save(model, target)
    raw.unlink()


def _without_stacks(graph: bytes) -> bytes:
    """The graph without the Python stack of every operator, which names the files and lines of this machine."""
    program = paddle.base.core.ProgramDesc(graph)
    for block in map(program.block, range(program.num_blocks())):
        for operator in map(block.op, range(block.op_size())):
            if operator.has_attr("op_callstack"):
                operator.remove_attr("op_callstack")
    return bytes(program.serialize_to_string())
