"""Writing the format safetensors: names and shapes are known first, the numbers of a tensor when it is written."""

import json
import math
from collections.abc import Callable, Mapping

import numpy as np

from ernie_core.model.arrays import Sink
from ernie_core.model.foreign.tensors import Shape


def write(shapes: Mapping[str, Shape], read: Callable[[str], np.ndarray], sink: Sink, maker: str) -> int:
    """Write float32 tensors sorted by name; `maker` is the framework whose layout they have, `pt` or `pd`.

    Returns the number of bytes written. The same tensors give the same bytes.
    """
    entries: dict[str, object] = {"__metadata__": {"format": maker}}
    last = 0
    for name in sorted(shapes):
        size = 4 * math.prod(shapes[name])
        entries[name] = {"dtype": "F32", "shape": list(shapes[name]), "data_offsets": [last, last + size]}
        last += size
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # so that the numbers are aligned for whoever maps the file into memory
    sink.write(len(header).to_bytes(8, "little") + header)
    for name in sorted(shapes):
        array = np.ascontiguousarray(read(name), "<f4")
        if array.shape != tuple(shapes[name]):
            raise AssertionError(f"`{name}` is {array.shape}, its header says {shapes[name]}")
        sink.write(array.reshape(-1).view(np.uint8).data)
    return 8 + len(header) + last
