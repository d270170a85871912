"""Files of weights in PaddleNLP's format, loaded strictly and without running code in them."""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path

import numpy as np
import paddle

from ernie_core.errors import BadInput
from ernie_core.model import config as configs
from ernie_core.model.arrays import FILE as FILE
from ernie_core.model.arrays import Arrays, floats, read_arrays, write_arrays

_SHOWN = 8
"""Most differences in a message: an unrelated file has hundreds."""


def save(model: paddle.nn.Layer, folder: Path) -> None:
    """Write `model_state.pdparams` and `config.json`; the model has an `architecture` and a `config`."""
    arrays: Arrays = {}
    tied: dict[int, np.ndarray] = {}
    for name, tensor in model.state_dict().items():
        if id(tensor) not in tied:
            tied[id(tensor)] = _float32(tensor)
        arrays[name] = tied[id(tensor)]
    write_arrays(arrays, folder / FILE)
    configs.write(model.config, folder, model.architecture)


def load(model: paddle.nn.Layer, folder: Path, partial: str | None = None) -> tuple[str, ...]:
    """Set the model's weights from a folder; BadInput, with the first differences, if names or shapes differ.

    `partial`, `ernie.` for example, takes only the parameters below that prefix, which must all be there, and does not
    change the others: the encoder of a pretrained model into a task model. Returns the names that were set.
    """
    wanted = model.state_dict()
    found = _named(folder / FILE, wanted, _prefix(model))
    if partial is not None:
        found = {name: a for name, a in found.items() if name.startswith(partial)}
        wanted = {name: t for name, t in wanted.items() if name.startswith(partial)}
    if partial == "" or not wanted:
        raise BadInput(f"no parameter of the model is named `{partial}...`")
    _refuse(folder / FILE, differences({name: tuple(t.shape) for name, t in wanted.items()}, found))
    for name, tensor in wanted.items():
        _set(tensor, found[name])
    return tuple(wanted)


def copies(model: paddle.nn.Layer) -> Arrays:
    """The weights of a model by name, as float32 arrays of their own, whatever their precision."""
    # numpy() of a CPU tensor may share its memory, which the next step changes
    return {name: np.array(_float32(tensor)) for name, tensor in model.state_dict().items()}


def restore(model: paddle.nn.Layer, arrays: Mapping[str, np.ndarray]) -> None:
    """Set the weights of a model to what `copies` gave, or to those of a file."""
    for name, tensor in model.state_dict().items():
        _set(tensor, arrays[name])


def start_from(model: paddle.nn.Layer, folder: Path) -> tuple[str, ...]:
    """Load the weights that a folder has: the whole encoder, and the heads as far as they exist.

    Returns the missing names, which are not changed. BadInput if a shape differs; heads of another task are skipped.
    """
    wanted, encoder = model.state_dict(), _prefix(model)
    found = _named(folder / FILE, wanted, encoder)
    tied = {wanted[name].name: array for name, array in found.items() if name in wanted}
    arrays = {name: tied[tensor.name] for name, tensor in wanted.items() if tensor.name in tied}
    lacking = tuple(name for name in wanted if name not in arrays and not name.startswith(encoder))
    unknown = {name: array for name, array in found.items() if name.startswith(encoder) and name not in wanted}
    shapes = {name: tuple(tensor.shape) for name, tensor in wanted.items() if name not in lacking}
    _refuse(folder / FILE, differences(shapes, arrays | unknown))
    for name, array in arrays.items():
        _set(wanted[name], array)
    return lacking


def differences(wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, np.ndarray]) -> list[str]:
    """Differences between arrays and the parameters of a model, one line each."""
    missing = [f"missing: {name} {list(wanted[name])}" for name in sorted(wanted.keys() - found.keys())]
    unexpected = [f"unexpected: {name} {list(found[name].shape)}" for name in sorted(found.keys() - wanted.keys())]
    shapes = [
        f"shape: {name} is {list(found[name].shape)}, the model wants {list(wanted[name])}"
        for name in sorted(wanted.keys() & found.keys())
        if tuple(found[name].shape) != tuple(wanted[name])
    ]
    return missing + unexpected + shapes


def _prefix(model: paddle.nn.Layer) -> str:
    """What names of the encoder's parameters begin with, unless the encoder was saved alone."""
    return f"{model.config.encoder}."


def _named(path: Path, wanted: Container[str], encoder: str) -> Arrays:
    """The arrays of a file by the model's names. BadInput if none of them is the model's.

    PaddleNLP's `ErnieModel` is the encoder alone, and its names lack the prefix `encoder`.
    """
    found = read_arrays(path)
    bare = [name for name in found if encoder + name in wanted]
    whole = [name for name in found if name.startswith(encoder)]
    if bare and whole:
        raise BadInput(
            f"{path}: `{bare[0]}` is named without `{encoder}`, `{whole[0]}` with it: "
            "two models are mixed, save one of them again"
        )
    if bare:
        return {encoder + name: array for name, array in found.items()}
    if not any(name in wanted for name in found):
        some = ", ".join(f"`{name}`" for name in list(found)[:3]) or "nothing"
        kind = "an ERNIE-M" if encoder == "ernie_m." else "an ERNIE"
        raise BadInput(f"{path}: has no parameter of {kind} model, but {some}: give the folder of such a model")
    return found


def _refuse(path: Path, faults: Sequence[str]) -> None:
    if faults:
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        shown = "\n".join(f"  {fault}" for fault in [*faults[:_SHOWN], *more])
        raise BadInput(f"{path} does not fit the model:\n{shown}")


def _set(tensor: paddle.Tensor, array: np.ndarray) -> None:
    """Set a tensor of any precision from an array of any."""
    value = floats(array).astype("float32", copy=False)
    # a base model has half a GB: an array is copied once, a tensor in between would be a second time
    tensor.set_value(value if tensor.dtype == paddle.float32 else paddle.to_tensor(value).astype(tensor.dtype))


def _float32(tensor: paddle.Tensor) -> np.ndarray:
    found = tensor if tensor.dtype == paddle.float32 else tensor.astype("float32")
    return np.asarray(found.numpy())
