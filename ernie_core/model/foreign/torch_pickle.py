"""The pickle within a file of PyTorch, read by a machine of our own that knows tensors and nothing else.

Python's unpickler calls whatever a pickle names. This one only ever makes dicts, lists, tuples, numbers, texts and
descriptions of tensors: a name that it does not know is refused, and none is ever looked up or called.
"""

import math
import pickletools
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from ernie_core.errors import BadInput
from ernie_core.model.foreign.tensors import Shape
from ernie_core.wording import shorten

DTYPES = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "BFloat16Storage": "<u2", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
_TENSORS, _PARAMETERS = ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter")
_DICTS = (("collections", "OrderedDict"), ("__builtin__", "dict"), ("builtins", "dict"))
_PUT = ("PUT", "BINPUT", "LONG_BINPUT")
_GET = ("GET", "BINGET", "LONG_BINGET")
_PLAIN = (
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "BINFLOAT", "FLOAT", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
)  # fmt: skip
_MADE = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Name(NamedTuple):
    """A name in a module, which is never looked up."""

    module: str
    name: str


@dataclass(frozen=True)
class Storage:
    """A row of numbers in the file."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class Stored:
    """A tensor: a view of a storage, in numbers of it, not bytes."""

    storage: Storage
    offset: int
    shape: Shape
    strides: Shape

    @property
    def span(self) -> int:
        """Numbers of the storage from its first to its last."""
        if not math.prod(self.shape):
            return 0
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))


class Machine:
    """Reads one pickle of a stream, up to its end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def value(self) -> Any:
        """What the pickle holds. BadInput, in one line, for damage and for anything that is not data."""
        try:
            for opcode, arg, _ in pickletools.genops(self._stream):
                if opcode.name == "STOP":
                    return self._stack.pop()
                self._step(opcode.name, arg)
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as e:
            raise BadInput(f"damaged pickle: {shorten(e)}: fetch the file again") from None
        raise BadInput("damaged pickle: it has no end: fetch the file again")

    def _step(self, code: str, arg: Any) -> None:
        stack = self._stack
        if code in _PLAIN:
            stack.append(arg)
        elif code in _PUT:
            self._memo[int(arg)] = stack[-1]
        elif code == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif code in _GET:
            stack.append(self._memo[int(arg)])
        elif code in _MADE:
            stack.append(_MADE[code])
        elif code == "MARK":
            self._marks.append(len(stack))
        elif code in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}[code]())
        elif code == "TUPLE":
            stack.append(tuple(self._marked()))
        elif code in _TUPLES:
            count = _TUPLES[code]
            stack[-count:] = [tuple(stack[-count:])]
        elif code in ("APPEND", "APPENDS"):
            items = self._marked() if code == "APPENDS" else [stack.pop()]
            _of(list, stack[-1]).extend(items)
        elif code in ("SETITEM", "SETITEMS"):
            items = self._marked() if code == "SETITEMS" else [stack.pop(-2), stack.pop()]
            self._set(_of(dict, stack[-1]), items)
        elif code == "GLOBAL":
            stack.append(_Name(*str(arg).split(" ", 1)))
        elif code == "STACK_GLOBAL":
            name, module = stack.pop(), stack.pop()
            stack.append(_Name(_of(str, module), _of(str, name)))
        elif code == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif code == "REDUCE":
            arguments, name = stack.pop(), stack.pop()
            stack.append(_called(name, arguments))
        elif code == "BUILD":
            stack.pop()  # of a dict of tensors: versions of modules, which are of no use here
            _of(dict, stack[-1])
        elif code not in ("PROTO", "FRAME"):
            raise BadInput(f"asks for the operation `{code}`: refused, weights need no such thing")

    def _marked(self) -> list[Any]:
        begin = self._marks.pop()
        items = self._stack[begin:]
        del self._stack[begin:]
        return items

    @staticmethod
    def _set(content: dict[Any, Any], items: list[Any]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, str) and key in content:
                raise BadInput(f"`{shorten(key)}` stands there twice: fetch the file again")
            content[key if isinstance(key, int) else _of(str, key)] = value


def _called(name: Any, arguments: Any) -> Any:
    """What a call that the pickle asks for would make, if it makes a tensor or an empty dict."""
    if not isinstance(name, _Name) or tuple(name) not in (_TENSORS, _PARAMETERS, *_DICTS):
        asked = ".".join(name) if isinstance(name, _Name) else type(name).__name__
        raise BadInput(f"asks to call `{shorten(asked)}`: refused, a file of weights may only contain tensors")
    if tuple(name) in _DICTS:
        if arguments != ():
            raise ValueError("a dict with arguments")
        return {}
    if tuple(name) == _PARAMETERS:
        return _of(Stored, arguments[0])
    storage: Storage = _of(Storage, arguments[0])
    offset, shape, strides = arguments[1:4]
    stored = Stored(storage, offset, tuple(shape), tuple(strides))
    numbers = (offset, *stored.shape, *stored.strides)
    if not all(type(number) is int and number >= 0 for number in numbers) or len(stored.shape) != len(stored.strides):
        raise ValueError("a tensor whose shape is no shape")
    if offset + stored.span > storage.count or math.prod(stored.shape) > storage.count:
        raise BadInput(f"has a tensor of shape {shorten(list(stored.shape))} in a storage of {storage.count:,} "
                       "numbers: fetch the file again")  # fmt: skip
    return stored


def _storage(said: Any) -> Storage:
    kind, name, key, _, count = _of(tuple, said)[:5]
    if (
        kind != "storage"
        or not isinstance(name, _Name)
        or name.module != "torch"
        or type(count) is not int
        or count < 0
    ):
        raise ValueError("a storage without its number of numbers")
    if name.name not in DTYPES:
        raise BadInput(f"has numbers of `{shorten(name.name)}`, which cannot be read: "
                       "save the model as float32, float16 or bfloat16")  # fmt: skip
    return Storage(name.name, str(key), count)


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"a {type(value).__name__} where a {kind.__name__} must be")
    return value
