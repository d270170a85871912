"""Which form of checkpoint a folder holds, and its tensors."""

from pathlib import Path

from ernie_core.errors import BadInput, NotFound
from ernie_core.model import arrays
from ernie_core.model.foreign import safetensors, shards, static_files, torch_files
from ernie_core.model.foreign.tensors import Held, Tensors

_REFUSED = (
    ("*.ckpt.index", "TensorFlow"), ("*.ckpt.meta", "TensorFlow"), ("tf_model*.h5", "TensorFlow"),
    ("saved_model.pb", "TensorFlow"), ("flax_model*.msgpack", "Flax"), ("*.gguf", "GGUF"), ("*.onnx", "ONNX"),
)  # fmt: skip


def opened(folder: Path) -> Tensors:
    """The tensors of the checkpoint in a folder. NotFound without one, BadInput for a form that cannot be read."""
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder: give the folder with config, weights and vocabulary of a model")
    if (path := folder / safetensors.FILE).is_file():
        return safetensors.Safetensors(path)
    if (path := folder / safetensors.INDEX).is_file():
        return shards.sharded(path, safetensors.Safetensors)
    if weights := _pdparams(folder):
        return Held(weights, arrays.read_arrays(weights))
    if (path := folder / torch_files.FILE).is_file():
        return torch_files.opened(path)
    if (path := folder / torch_files.INDEX).is_file():
        return shards.sharded(path, torch_files.opened)
    if variables := static_files.opened(folder):
        return variables
    for pattern, maker in _REFUSED:
        if found := sorted(folder.glob(pattern)):
            raise BadInput(f"{found[0]}: weights of {maker} cannot be read: take this model's files of PyTorch or "
                           "PaddleNLP (model.safetensors, pytorch_model.bin, model_state.pdparams)")  # fmt: skip
    raise NotFound(
        f"{folder}: has no weights that can be read: bring {safetensors.FILE}, {torch_files.FILE} or {arrays.FILE}"
    )


def _pdparams(folder: Path) -> Path | None:
    """The file of PaddleNLP, or the only one of another name, `static_vars.pdparams` of a static graph for example."""
    if (path := folder / arrays.FILE).is_file():
        return path
    others = sorted(folder.glob("*.pdparams"))
    if len(others) > 1:
        raise BadInput(
            f"{folder}: has {', '.join(path.name for path in others[:4])}: leave one, or name it {arrays.FILE}"
        )
    return others[0] if others else None
