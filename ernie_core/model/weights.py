"""Files of weights in PaddleNLP's format, loaded strictly and without running code in them."""

import pickle
import struct
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import paddle

from ernie_core.errors import BadInput, NotFound
from ernie_core.model import config as configs

FILE = "model_state.pdparams"

_FIRST = 1000
"""First memo index of arrays in our files: the pickler uses low ones for parts of small objects."""

_SHOWN = 8
"""Most differences in a message: an unrelated file has hundreds."""

Arrays = dict[str, np.ndarray]


class Sink(Protocol):
    """A writable file."""

    def write(self, data: "bytes | memoryview", /) -> int: ...


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


def write_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write named arrays as paddle.save does with protocol 4; the same arrays give the same bytes."""
    with path.open("wb") as f:
        dump_arrays(arrays, f)


def dump_arrays(arrays: Mapping[str, np.ndarray], sink: Sink) -> None:
    """Write named arrays to a writable file, without copying them.

    A pickler would copy each array while all other threads wait, so the opcodes are written here: those of small
    objects come from the pickler, the bytes of an array go directly to the sink. An array with two names (tied weights)
    is written once, and is read as one array.
    """
    places: dict[int, int] = {}
    sink.write(pickle.PROTO + bytes([4]) + pickle.EMPTY_DICT + pickle.MARK)
    for name, array in arrays.items():
        if id(array) in places:
            sink.write(_opcodes(name) + pickle.LONG_BINGET + struct.pack("<I", places[id(array)]))
            continue
        places[id(array)] = _FIRST + len(places)
        flat = np.ascontiguousarray(array)
        rebuild, arguments, (version, _, dtype, order, _) = cast(tuple[Any, ...], np.empty(0, flat.dtype).__reduce__())
        built = _opcodes(name) + _opcodes(rebuild) + _opcodes(arguments) + pickle.REDUCE
        state = b"".join(_opcodes(part) for part in (version, array.shape, dtype, order))
        sink.write(built + pickle.MARK + state + pickle.BINBYTES8 + struct.pack("<Q", flat.nbytes))
        sink.write(flat.reshape(-1).view(np.uint8).data)
        sink.write(pickle.TUPLE + pickle.BUILD + pickle.LONG_BINPUT + struct.pack("<I", places[id(array)]))
    sink.write(pickle.SETITEMS + pickle.STOP)


def read_arrays(path: Path) -> Arrays:
    """Named arrays of a file of paddle.save. The file is a pickle: anything in it except arrays is refused, not run."""
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    try:
        with path.open("rb") as f:
            content = _ArraysOnly(f).load()
    except BadInput as e:
        raise BadInput(f"{path}: {e}") from e
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError) as e:
        raise BadInput(f"{path}: truncated, or not a file of weights: {e}") from e
    if not isinstance(content, dict):
        raise BadInput(f"{path}: contains a {type(content).__name__}, not named arrays")
    if "UnpackBigParamInfor@@" in content:
        raise BadInput(f"{path}: arrays over 1 GiB were split by an old protocol; save it again with protocol=4")
    content.pop("StructuredToParameterName@@", None)
    for name, value in content.items():
        # paddle.save writes a tensor inside other data as (name, array).
        if isinstance(value, tuple) and len(value) == 2:
            content[name] = value = value[1]
        if not isinstance(value, np.ndarray) or value.dtype.hasobject:
            raise BadInput(f"{path}: `{name}` is not an array of numbers")
    return content


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


def _opcodes(value: object) -> bytes:
    """The opcodes of a small object; protocol 3 is the last without frames."""
    return pickle.dumps(value, protocol=3)[2:-1]


def _set(tensor: paddle.Tensor, array: np.ndarray) -> None:
    """Set a tensor of any precision from float32."""
    value = array.astype("float32", copy=False)
    # a base model has half a GB: an array is copied once, a tensor in between would be a second time
    tensor.set_value(value if tensor.dtype == paddle.float32 else paddle.to_tensor(value).astype(tensor.dtype))


def _float32(tensor: paddle.Tensor) -> np.ndarray:
    found = tensor if tensor.dtype == paddle.float32 else tensor.astype("float32")
    return np.asarray(found.numpy())


def _tuple(items: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(items)


_ALLOWED: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("builtins", "tuple"): _tuple,
    ("__builtin__", "tuple"): _tuple,
    ("collections", "OrderedDict"): dict,
}


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that allows only the names that arrays need."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name in ("_reconstruct", "scalar"):
            return super().find_class("numpy.core.multiarray", name)
        raise BadInput(f"asks for `{module}.{name}`: refused, a file of weights may only contain arrays")


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise BadInput(f"bytes encoded as `{encoding}`: refused, a file of weights does not need it")
    return text.encode("latin1")
