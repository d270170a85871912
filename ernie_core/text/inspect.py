"""Single documents of words and token ids, for inspection; it reads no more than necessary."""

import ast
import struct
import zipfile
from array import array
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import lines, wordcut
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.ids import marks
from ernie_core.text.sentencepiece import rules

Document = list[list[str]]
"""Sentences of words."""
Bring = Callable[[str], Path]
"""Returns the local path of a file of the artefact, which is fetched if necessary."""
_BLOCK = 1 << 18
_IDX = struct.Struct("<9sQBQQ")
_CODES = {8: "H", 4: "i"}


def of_words(names: Sequence[str], bring: Bring, number: int) -> Document:
    """The document with this number, from 0, of word-cut text."""
    before = 0
    for name in sorted(n for n in names if n.endswith(".jsonl") and n.startswith("part-")):
        with bring(name).open("rb") as part:
            for line in part:
                if before == number:
                    return wordcut.sentences(line, name)
                before += 1
    raise _beyond(number, before)


def of_ids(names: Sequence[str], bring: Bring, number: int) -> Document:
    """The document with this number, from 0, of token ids, joined to words again by its marks."""
    vocab = lines.split(lines.text_of(bring("vocab.txt").read_bytes(), "vocab.txt"))
    of_pieces = tokenizers.PIECES in names
    if of_pieces:
        forms = [*vocab, *(f"{rules.SPACE}{vocab[number]}" for number in rules.extension(vocab))]
    else:
        forms = [*vocab, *marks.extension(vocab)]
    join = words_of_pieces if of_pieces else words
    before = 0
    for name in sorted(n for n in names if n.endswith(("_idx.npz", ".idx"))):
        with closing(_Npz(bring(name)) if name.endswith(".npz") else _Idx(bring(name))) as index:
            if number < before + index.documents:
                sentences = index.sentences(number - before)
                data = name.removesuffix("_idx.npz") + "_ids.npy" if name.endswith(".npz") else f"{name[:-4]}.bin"
                return [join([forms[i] for i in ids]) for ids in _tokens(bring(data), sentences, index.code)]
            before += index.documents
    raise _beyond(number, before)


def words(tokens: Sequence[str]) -> list[str]:
    """Tokens joined to words: one that begins with `##` continues the one before."""
    found: list[str] = []
    for token in tokens:
        if token.startswith("##") and len(token) > 2 and found:
            found[-1] += token[2:]
        else:
            found.append(token)
    return found


def words_of_pieces(tokens: Sequence[str]) -> list[str]:
    """Tokens of SentencePiece joined to words."""
    found: list[str] = []
    for token in tokens:
        if found and rules.continues_word(token):
            found[-1] += token
        else:
            found.append(token.removeprefix(rules.SPACE) or token)
    return found


@dataclass(frozen=True)
class Sentences:
    """The place of a document: its first token in the part, and the lengths of its sentences."""

    first: int
    lens: Sequence[int]


class _Npz:
    """`_idx.npz`: two arrays that are read from their beginnings."""

    code = ""
    """The type is in the header of the file of ids."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)
        with self._archive.open("docs.npy") as docs:
            self.documents = _header(docs, path)[1] - 1

    def sentences(self, number: int) -> Sentences:
        with self._archive.open("docs.npy") as docs:
            _header(docs, Path("docs"))
            _skip(docs, 8 * number)
            begin, end = array("q", docs.read(16))
        with self._archive.open("lens.npy") as lens:
            _header(lens, Path("lens"))
            first = _skip(lens, 4 * begin, "i")
            return Sentences(first, array("i", lens.read(4 * (end - begin))))

    def close(self) -> None:
        self._archive.close()


class _Idx:
    """`.idx`: counts, lengths, byte offsets, documents."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        magic, version, kind, self._count, docs = _IDX.unpack(self._file.read(_IDX.size))
        if magic != b"MMIDIDX\0\0" or version != 1 or kind not in _CODES:
            raise BadInput(f"{path}: not an index of token ids; make the ids again")
        self.documents, self.code = docs - 1, _CODES[kind]

    def sentences(self, number: int) -> Sentences:
        begin, end = self._read("q", _IDX.size + 12 * self._count + 8 * number, 2)
        lens = self._read("i", _IDX.size + 4 * begin, end - begin)
        (offset,) = self._read("q", _IDX.size + 4 * self._count + 8 * begin, 1)
        return Sentences(offset // array(self.code).itemsize, lens)

    def close(self) -> None:
        self._file.close()

    def _read(self, code: str, at: int, count: int) -> "array[int]":
        self._file.seek(at)
        return array(code, self._file.read(count * array(code).itemsize))


def _tokens(path: Path, where: Sentences, code: str) -> list[Sequence[int]]:
    with path.open("rb") as file:
        code = code or _CODES[8 if _header(file, path)[0] == "<u2" else 4]
        size = array(code).itemsize
        file.seek(size * where.first, 1)
        return [array(code, file.read(size * length)) for length in where.lens]


def _header(file: IO[bytes], path: Path) -> tuple[str, int]:
    """Type and length of a `.npy`; the file is positioned after its header."""
    begin = file.read(10)
    if begin[:8] != b"\x93NUMPY\1\0":
        raise BadInput(f"{path}: not a .npy file of version 1; make the ids again")
    header = ast.literal_eval(file.read(int.from_bytes(begin[8:], "little")).decode())
    return str(header["descr"]), int(header["shape"][0])


def _skip(file: IO[bytes], size: int, code: str = "") -> int:
    """Skip `size` bytes; returns the sum of the numbers in them, if a type is given."""
    total = 0
    while size > 0 and (block := file.read(min(size, _BLOCK))):
        size -= len(block)
        total += sum(array(code, block)) if code else 0
    return total


def _beyond(number: int, documents: int) -> NotFound:
    return NotFound(f"there is no document {number}: numbers go from 0 to {documents - 1}")
