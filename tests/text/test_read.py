"""Documents of a folder of text files, and what is wrong with some of them."""

import json

import pytest

from ernie_core.errors import BadInput
from ernie_core.store.files import below
from ernie_core.text import segment
from ernie_core.text.corpus import read, rejects
from ernie_core.text.corpus.rejects import Rejects


def documents(folder, **files: bytes):
    for name, content in files.items():
        (folder / f"{name}.txt").write_bytes(content)
    counts, files = read.ReadCounts(), below(folder)
    with Rejects(made(folder)) as rejected:
        return [d for piece in segment.pieces(files) for d in read.documents(files, piece, counts, rejected)], counts


def made(folder):
    """A folder beside the one that is read."""
    beside = folder.with_name(folder.name + "-made")
    beside.mkdir(exist_ok=True)
    return beside


def rejected(folder) -> list[dict]:
    return [json.loads(line) for line in (made(folder) / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]


def test_an_empty_line_or_the_end_of_a_file_ends_a_document(tmp_path):
    found, counts = documents(tmp_path, a="甲\n乙\n\n丙\n".encode(), b="丁".encode())
    assert found == ["甲\n乙", "丙", "丁"]
    assert (counts.files, counts.lines, counts.documents, counts.bytes) == (2, 5, 3, 16)


def test_subfolders_are_read_in_the_order_of_their_paths(tmp_path):
    for name in ("b.txt", "a/z.txt", "a/b/c.txt", "ä.txt", "Z.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert documents(tmp_path)[0] == ["Z.txt", "a/b/c.txt", "a/z.txt", "b.txt", "ä.txt"]


def test_byte_order_marks_and_carriage_returns_are_removed(tmp_path):
    found, counts = documents(tmp_path, a=b"\xef\xbb\xbf" + "甲\r\n\r\n乙\r\n".encode())
    assert found == ["甲", "乙"]
    assert counts.damaged_lines == 0


def test_white_space_alone_is_an_empty_line(tmp_path):
    assert documents(tmp_path, a="甲\n \t\u3000\n乙".encode())[0] == ["甲", "乙"]


def test_needless_empty_lines_are_counted(tmp_path):
    found, counts = documents(tmp_path, a="\n\n甲\n\n\n乙\n\n".encode())
    assert found == ["甲", "乙"]
    assert counts.empty_documents == 3


def test_bytes_that_are_not_utf8_are_replaced_and_counted_with_their_places(tmp_path):
    found, counts = documents(tmp_path, a="甲\n".encode() + b"\xffx\n", b="好\n".encode() + b"\xed\xa0\x80x\n")
    assert found == ["甲\n\ufffdx", "好\n\ufffd\ufffd\ufffdx"]
    assert (counts.damaged_lines, counts.lines) == (2, 4)
    assert [(row["file"], row["line"], row["why"]) for row in rejected(tmp_path)] == [
        ("a.txt", 2, "not UTF-8 at byte 0: replaced"),
        ("b.txt", 2, "not UTF-8 at byte 0: replaced"),
    ]


def test_too_many_such_lines_are_refused_with_the_remedy(tmp_path):
    _, counts = documents(tmp_path, a="你好\n世界\n".encode("gb18030"), b=b"ok\n" * 98)
    rejects.check(counts.figures(), rejected(tmp_path), 0.02)
    with pytest.raises(BadInput, match=r"2 of 100 lines .*a\.txt:1 .*a\.txt:2 .*max_rejected 0\.019.*GB18030"):
        rejects.check(counts.figures(), rejected(tmp_path), 0.019)


def test_nul_characters_stay_until_normalisation_drops_them(tmp_path, tiny):
    found, _ = documents(tmp_path, a="研\0究".encode())
    assert tiny.tokenize(found[0]) == ["研", "究"]


def test_a_line_of_50_megabytes_is_refused_with_its_place_and_size(tmp_path):
    with (tmp_path / "a.txt").open("wb") as file:
        file.write(b"ok\n")
        file.write(b"x" * 52_428_800 + b"\nok\n")
    with pytest.raises(BadInput, match=r"a\.txt:2: a line of 52,428,801 bytes, at most 16,777,216"):
        documents(tmp_path)


def test_a_line_of_just_the_most_bytes_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "MAX_LINE", 8)
    assert documents(tmp_path, a=b"1234567\n12345678")[0] == ["1234567\n12345678"]
    for long in (b"12345678\n", b"123456789"):
        with pytest.raises(BadInput, match="a line of 9 bytes"):
            documents(tmp_path, a=long)


def test_a_document_without_end_is_refused_at_its_first_line(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "MAX_DOCUMENT", 1000)
    with pytest.raises(BadInput, match=r"a\.txt:3: no empty line within"):
        documents(tmp_path, a=b"ok\n\n" + b"line\n" * 201)
    assert len(documents(tmp_path, a=b"line\n" * 200 + b"\n" + b"line\n" * 200)[0]) == 2


def test_a_folder_without_text_says_what_it_holds(tmp_path):
    with pytest.raises(BadInput, match="is empty"):
        documents(tmp_path)
    (tmp_path / "corpus.csv").write_text("{}")
    with pytest.raises(BadInput, match=r"corpus\.csv \(1 files\).*suffix"):
        documents(tmp_path)
