"""The files of a tokenizer: `vocab.txt`, a token per line, and its settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import json_text, lines
from ernie_core.text.basics import SPECIALS


def raw_lines(path: Path) -> list[str]:
    """The lines of a vocabulary, valid or not. BadInput if they are not UTF-8."""
    return lines.split(lines.text_of(path.read_bytes(), str(path))) or [""]


def read(path: Path) -> tuple[str, ...]:
    """The tokens. NotFound without the file; BadInput, with line numbers, for empty, repeated or missing ones."""
    if not path.is_file():
        raise NotFound(f"{path}: no such file: a vocabulary is a file of this name with a token per line")
    tokens = tuple(raw_lines(path))
    if faults := _faults(tokens):
        more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
        raise BadInput(f"{path}: {'; '.join(faults[:5])}{more}: every line must be a different token")
    return tokens


def write(tokens: Sequence[str], path: Path) -> None:
    """Write tokens as `read` reads them."""
    path.write_bytes("".join(f"{token}\n" for token in tokens).encode())


def distinct(tokens: Sequence[str], path: Path) -> tuple[str, ...]:
    """The tokens with their ids, but every one once: of a repeated token the later line counts, as in the tools that
    read such files; an earlier one, and an empty line, becomes `[unused-line-N]`, which no text contains.

    BadInput, about `path`, if another line has that name already.
    """
    last = {token: line for line, token in enumerate(tokens, 1)}
    named = tuple(
        token if token and last[token] == line else f"[unused-line-{line}]" for line, token in enumerate(tokens, 1)
    )
    for line, (token, name) in enumerate(zip(tokens, named, strict=True), 1):
        if name != token and name in last:
            raise BadInput(f"{path}:{line}: needs the name `{name}`, which another line has: rename that one")
    return named


def check_config(path: Path, wanted: Mapping[str, object]) -> None:
    """BadInput if a tokenizer_config.json sets any of the `wanted` keys to another value; it need not be there."""
    if not path.is_file():
        return
    try:
        config = json_text.parse(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise BadInput(f"{path}: not JSON ({e}): restore the file, or remove it if the vocabulary is ERNIE's") from None
    if not isinstance(config, dict):
        raise BadInput(f"{path}: not an object: restore the file, or remove it if the vocabulary is ERNIE's")
    for key, value in wanted.items():
        if config.get(key, value) != value:
            raise BadInput(f"{path}: {key} is `{config[key]}`, only `{value}` is supported: use an ERNIE vocabulary")


def _faults(tokens: Sequence[str]) -> list[str]:
    faults, first = [], dict[str, int]()
    for line, token in enumerate(tokens, 1):
        if not token:
            faults.append(f"line {line} is empty")
        elif token in first:
            faults.append(f"line {line} repeats `{token}` of line {first[token]}")
        else:
            first[token] = line
    faults.extend(f"`{token}` is missing in {len(tokens)} lines" for token in SPECIALS if token not in first)
    return faults
