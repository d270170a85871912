"""JSON documents with one value replaced or taken away, for readers that must survive any of them."""

import copy
from collections.abc import Iterator
from typing import Any

JUNK: tuple[Any, ...] = (None, True, -1, 1e999, "", " ", "\ud800", "好", [], [[]], {}, {"a": 1})


def each(content: Any) -> Iterator[Any]:
    """Every document that differs from this one in a single value, by one of JUNK or by nothing at all."""
    for path in _paths(content):
        for junk in (*JUNK, _GONE):
            found = copy.deepcopy(content)
            place = found
            for key in path[:-1]:
                place = place[key]
            if junk is _GONE:
                del place[path[-1]]
            else:
                place[path[-1]] = copy.deepcopy(junk)
            yield found


_GONE = object()


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*before, key)
        yield from _paths(value[key], (*before, key))
