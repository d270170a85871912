"""A fine-tuned model as a static Paddle graph, and that graph as ONNX."""

import subprocess
import sys
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from pathlib import Path

import numpy as np
import onnx
import paddle

from ernie_core.compress import fold
from ernie_core.errors import Refused
from ernie_core.model import config as configs
from ernie_core.model import weights
from ernie_core.model.heads import ErnieForSequenceClassification

INPUTS = ("input_ids", "token_type_ids")
PREFIX = "model"
OPSET = 13
"""The first with a scale for every channel, and one that the ONNX Runtime inside FastDeploy knows."""

_EXPORT = "from sys import argv; import paddle2onnx; paddle2onnx.export(*argv[1:4], opset_version=int(argv[4]))"


def classifier(finetuned: Path) -> ErnieForSequenceClassification:
    """The fine-tuned net, ready to be asked."""
    net = ErnieForSequenceClassification(configs.read(finetuned))
    weights.load(net, finetuned)
    net.eval()
    return net


def to_static(finetuned: Path, folder: Path) -> ErnieForSequenceClassification:
    """Write `model.pdmodel` and `model.pdiparams`: int64 [None, None] inputs, logits out. Returns the net.

    The same fine-tuned model gives the same bytes.
    """
    spec = [paddle.static.InputSpec([None, None], "int64", name=name) for name in INPUTS]
    # A guard, so that names do not count the layers that this process built before.
    with paddle.utils.unique_name.guard():
        net = classifier(finetuned)
        paddle.jit.save(net, str(folder / PREFIX), input_spec=spec)
    (folder / f"{PREFIX}.pdiparams.info").unlink(missing_ok=True)
    graph = folder / f"{PREFIX}.pdmodel"
    graph.write_bytes(_without_stacks(graph.read_bytes()))
    return net


def to_onnx(folder: Path, target: Path) -> None:
    """Write the static graph of a folder as ONNX, its constants folded."""
    raw = target.with_suffix(".raw")
    graph, parameters = folder / f"{PREFIX}.pdmodel", folder / f"{PREFIX}.pdiparams"
    # In a process of its own: the exporter aborts on an operator that it does not know.
    command = [sys.executable, "-c", _EXPORT, str(graph), str(parameters), str(raw), str(OPSET)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    # It may also fail with an exit code of 0 and an empty file.
    if done.returncode or not raw.is_file() or not raw.stat().st_size:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise Refused(f"paddle2onnx could not export {graph.name} (exit code {done.returncode}):\n{said}")
    model = fold.constants(onnx.load(raw))
    onnx.checker.check_model(model)
    onnx.save(model, target)
    raw.unlink()


def check(wanted: np.ndarray, found: np.ndarray, tolerance: float, what: str) -> None:
    """Refuse a model whose logits are not those of its source."""
    if wanted.shape != found.shape:
        raise Refused(f"{what}: logits of shape {list(found.shape)}, the source has {list(wanted.shape)}")
    off = float(np.abs(wanted - found).max())
    if not off <= tolerance:
        raise Refused(f"{what}: logits are off by {off:.3g}, at most {tolerance:g} is allowed: the export is not sound")


def _without_stacks(graph: bytes) -> bytes:
    """The graph without the Python stack of every operator, which names the files and lines of this machine."""
    program = paddle.base.core.ProgramDesc(graph)
    for block in map(program.block, range(program.num_blocks())):
        for operator in map(block.op, range(block.op_size())):
            if operator.has_attr("op_callstack"):
                operator.remove_attr("op_callstack")
    return bytes(program.serialize_to_string())
