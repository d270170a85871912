"""Pickles read by a machine of our own, which makes data and nothing else.

Python's unpickler looks up and calls whatever a pickle names. This one makes dicts, lists, tuples, numbers, texts and
bytes; what a call in the pickle would make is described by a subclass, and no name is ever looked up or called. Memory
and time stay in proportion to the file: the number of operations is bounded, and none of them copies what others made.
"""

import pickletools
from typing import IO, Any, NamedTuple

from ernie_core.errors import BadInput
from ernie_core.wording import shorten

MOST_OPERATIONS = 500_000
"""Most operations of a pickle. An array takes about 50 of them and a model of 24 layers has some 400 arrays."""

_MOST_SIDES = 32

_DICTS = (("collections", "OrderedDict"), ("__builtin__", "dict"), ("builtins", "dict"))
_PLAIN = frozenset((
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "BINFLOAT", "FLOAT", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
))  # fmt: skip
_PUT = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_GET = frozenset(("GET", "BINGET", "LONG_BINGET"))
_MADE = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_EMPTY: dict[str, type] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_WRONG = (
    ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError, EOFError, RecursionError,
)  # fmt: skip
"""What damage raises; OverflowError and MemoryError where a file claims more bytes than any memory has."""


class Name(NamedTuple):
    """A name in a module, which is never looked up."""

    module: str
    name: str

    @property
    def shown(self) -> str:
        return shorten(f"{self.module}.{self.name}")


class Machine:
    """Reads one pickle of a stream, up to its end. Subclasses say which names and calls are data."""

    damage = "damaged pickle"
    """How the message about a pickle that cannot be read begins."""
    content = "tensors"
    """What a pickle may contain, for messages."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def value(self) -> Any:
        """What the pickle holds. BadInput, in one line, for damage and for anything that is not data."""
        try:
            for count, (opcode, arg, _) in enumerate(pickletools.genops(self.stream)):
                if opcode.name == "STOP":
                    return self._stack.pop()
                if count == MOST_OPERATIONS:
                    raise BadInput(f"has more than {MOST_OPERATIONS:,} operations, weights need fewer: refused")
                self._step(opcode.name, arg)
        except _WRONG as e:
            raise BadInput(f"{self.damage}: {shorten(e)}: fetch the file again") from None
        raise BadInput(f"{self.damage}: it has no end: fetch the file again")

    def named(self, name: Name) -> Any:
        """What stands for a name until it is called. BadInput if nothing that is data has it."""
        return name

    def called(self, name: Name, arguments: tuple[Any, ...]) -> Any:
        """What a call would make."""
        raise BadInput(f"asks to call `{name.shown}`: refused, a file of weights may only contain {self.content}")

    def built(self, made: Any, state: Any) -> None:
        """Give what a call made its state. Of a dict it is the versions of modules, which are of no use here."""
        of(dict, made)

    def persistent(self, said: Any) -> Any:
        """What lies beside the pickle under this description."""
        raise BadInput("asks for data outside the pickle: refused, weights need no such thing")

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
        elif code == "TUPLE":
            stack.append(tuple(self._marked()))
        elif code in _TUPLES:
            count = _TUPLES[code]
            stack[-count:] = [tuple(stack[-count:])]
        elif code == "GLOBAL":
            stack.append(self.named(Name(*str(arg).split(" ", 1))))
        elif code == "STACK_GLOBAL":
            name, module = stack.pop(), stack.pop()
            stack.append(self.named(Name(of(str, module), of(str, name))))
        elif code == "REDUCE":
            arguments, name = of(tuple, stack.pop()), of(Name, stack.pop())
            stack.append(_dict(arguments) if tuple(name) in _DICTS else self.called(name, arguments))
        elif code == "BUILD":
            state = stack.pop()
            self.built(stack[-1], state)
        elif code in _EMPTY:
            stack.append(_EMPTY[code]())
        elif code in ("APPEND", "APPENDS"):
            items = self._marked() if code == "APPENDS" else [stack.pop()]
            of(list, stack[-1]).extend(items)
        elif code in ("SETITEM", "SETITEMS"):
            items = self._marked() if code == "SETITEMS" else [stack.pop(-2), stack.pop()]
            _set(of(dict, stack[-1]), zip(items[::2], items[1::2], strict=True))
        elif code == "BINPERSID":
            stack.append(self.persistent(stack.pop()))
        elif code not in ("PROTO", "FRAME"):
            raise BadInput(f"asks for the operation `{code}`: refused, weights need no such thing")

    def _marked(self) -> list[Any]:
        begin = self._marks.pop()
        items = self._stack[begin:]
        del self._stack[begin:]
        return items


def of(kind: type, value: Any) -> Any:
    """The value, which must be of exactly this kind, else ValueError."""
    if type(value) is not kind:
        raise ValueError(f"a {type(value).__name__} where a {kind.__name__} must be")
    return value


def is_shape(sides: Any) -> bool:
    """Whether this is the shape of an array, as numpy may have it."""
    if type(sides) is not tuple or len(sides) > _MOST_SIDES:
        return False
    return all(type(side) is int and 0 <= side < 1 << 63 for side in sides)


def _dict(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    """A dict, empty or of a list of pairs, as Python 2 writes it; the list is used up, so that none is copied twice."""
    made: dict[Any, Any] = {}
    if arguments:
        (pairs,) = arguments
        _set(made, of(list, pairs))
        pairs.clear()
    return made


def _set(content: dict[Any, Any], pairs: Any) -> None:
    for key, value in pairs:
        if isinstance(key, str) and key in content:
            raise BadInput(f"`{shorten(key)}` stands there twice: fetch the file again")
        content[key if type(key) is int else of(str, key)] = value
