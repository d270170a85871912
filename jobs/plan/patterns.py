"""What the patterns of `inputs:` mean: one meaning on a disk and on S3 alike."""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WILD = re.compile(r"[*?[]")
_SEEN = r"(?!\.)"
"""As in a shell, a wildcard at the beginning of a name does not stand for its leading dot."""


@dataclass(frozen=True)
class Pattern:
    """What is meant of a folder: names with wildcards, one a level; no names at all mean everything below it.

    `*`, `?` and `[...]` stay within a name, `**` goes through any number of folders. What begins with a dot is hidden:
    it is meant only by a name that begins with a dot itself.
    """

    names: tuple[str, ...] = ()

    def matches(self, path: Sequence[str]) -> bool:
        """Whether a file is meant, by the names of the folders it is in, and its own."""
        if not self.names:
            return bool(path) and not any(map(hidden, path))
        return _whole(self.names).fullmatch("/".join(path)) is not None

    def may_hold(self, folder: Sequence[str]) -> bool:
        """Whether a file below a folder could be meant, so that it is worth a look."""
        if not self.names:
            return not any(map(hidden, folder))
        for depth, (name, wanted) in enumerate(zip(folder, self.names, strict=False)):
            if "**" in wanted:
                named = any(later.startswith(".") for later in self.names[depth:])
                return named or not any(map(hidden, folder[depth:]))
            if not _whole((wanted,)).fullmatch(name):
                return False
        return len(folder) < len(self.names) or "**" in self.names[-1]


def cut(names: Sequence[str], exists: Callable[[Sequence[str]], bool]) -> tuple[tuple[str, ...], Pattern]:
    """The folder or file that is meant literally, and the pattern below it. ValueError for what is no pattern.

    Brackets are a wildcard unless something is called so: `exists` says whether these names lead somewhere.
    """
    for depth, name in enumerate(names):
        literal = "[" in name and not re.search(r"[*?]", name) and exists(names[: depth + 1])
        if WILD.search(name) and not literal:
            found = Pattern(tuple(names[depth:]))
            found.matches(("",))  # or it is none
            return tuple(names[:depth]), found
    return tuple(names), Pattern()


def hidden(name: str) -> bool:
    """Whether a name is hidden, such as `.DS_Store`, `.ipynb_checkpoints/`, `._a.txt`, `.gitkeep`: never an input."""
    return name.startswith(".")


@functools.lru_cache(64)
def _whole(names: tuple[str, ...]) -> re.Pattern[str]:
    through = rf"(?:{_SEEN}[^/]+/)*"
    text = ""
    for i, name in enumerate(names):
        last = i == len(names) - 1
        if name == "**":
            text += through + (f"{_SEEN}[^/]+" if last else "")
        else:
            text += ("" if hidden(name) else _SEEN) + _name(name) + ("" if last else "/")
    try:
        return re.compile(text, re.DOTALL)
    except re.error as error:
        raise ValueError(f"`{'/'.join(names)}` is no pattern: {error}") from None


def _name(name: str) -> str:
    found = ""
    for token in re.findall(r"\*\*|\*|\?|\[[!^]?\]?[^]]*\]|.", name, re.DOTALL):
        if token.startswith("[") and len(token) > 2:
            no = "^" if token[1] in "!^" else ""
            inner = token[2:-1] if no else token[1:-1]
            found += "(?!/)[" + no + re.sub(r"([\\\[\]^&~|])", r"\\\1", inner) + "]"
        else:
            wild = {"**": rf"(?:[^/]|/{_SEEN})*", "*": "[^/]*", "?": "[^/]"}
            found += wild.get(token) or re.escape(token)
    return found
