"""The formats that text comes in: JSON lines, one long JSON array, and either of them packed."""

import gzip
import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ernie_core.errors import BadInput
from ernie_core.store.files import below
from ernie_core.text import segment
from ernie_core.text.corpus import array, formats, read, rejects
from ernie_core.text.corpus.rejects import Rejects

TEXTS = ["甲\n乙", 'q"\\', "丁\t", "😀"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "text").mkdir()
    return tmp_path / "text"


def documents(folder, key="text"):
    """The documents, what was counted, and the rows of rejected.jsonl."""
    counts, files = read.ReadCounts(), below(folder)
    (piece,) = segment.pieces(files)
    with Rejects(folder.parent) as rejected:
        found = list(read.documents(files, piece, counts, rejected, json_key=key))
    rows = (folder.parent / "rejected.jsonl").read_bytes().splitlines()
    return found, counts, [json.loads(row) for row in rows]


def elements(path, longest=1 << 20):
    with path.open("rb") as file:
        return list(array.elements(path.name, file, longest))


def lines(texts, key="text") -> bytes:
    return b"".join(json.dumps({key: text}).encode() + b"\n" for text in texts)


def wudao(texts, indent=None) -> bytes:
    return json.dumps([{"id": 1, "title": "]", "content": text, "x": [{}]} for text in texts], indent=indent).encode()


def test_each_json_line_is_a_document(folder):
    (folder / "a.jsonl").write_bytes(lines(TEXTS) + b"\n")
    found, counts, rows = documents(folder)
    assert found == TEXTS
    assert (counts.lines, counts.documents, rows) == (4, 4, [])


@pytest.mark.parametrize("indent", [None, 2])
def test_each_object_of_an_array_is_a_document(folder, indent):
    (folder / "part-1.json").write_bytes(wudao(TEXTS, indent))
    found, counts, rows = documents(folder, "content")
    assert found == TEXTS
    assert (counts.objects, counts.documents, rows) == (4, 4, [])


def test_every_format_may_be_packed(folder):
    plain = {"a.txt": "一\n\n二".encode(), "b.jsonl": lines(["三"]), "c.json": b'[{"text": "\xe5\x9b\x9b"}]'}
    for name, content in plain.items():
        (folder / name).write_bytes(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        (folder / f"{name}.zst").write_bytes(zstandard.compress(content))
    found, counts, _ = documents(folder)
    assert found == ["一", "二"] * 3 + ["三"] * 3 + ["四"] * 3
    assert counts.bytes == 3 * sum(map(len, plain.values())) - 3 * len("[]")
    assert counts.done == sum(p.stat().st_size for p in folder.iterdir())


def test_packed_files_of_several_frames_are_read_to_the_end(folder):
    halves = [lines([f"甲{n}"] * 50_000) for n in range(3)]
    (folder / "a.jsonl.zst").write_bytes(b"".join(map(zstandard.compress, halves)))
    (folder / "b.jsonl.gz").write_bytes(b"".join(map(gzip.compress, halves)))
    assert documents(folder)[1].lines == 300_000


@pytest.mark.parametrize("name", ["a.jsonl.zst", "a.jsonl.gz"])
@pytest.mark.parametrize("cut", [-1, -9, 60])
def test_a_packed_file_that_is_cut_off_is_refused(folder, name, cut):
    pack = zstandard.ZstdCompressor(write_checksum=True).compress if name.endswith("zst") else gzip.compress
    (folder / name).write_bytes(pack(lines(map(str, range(50_000))))[:cut])
    with pytest.raises(BadInput, match=rf"{name}: damaged at or before byte .*fetch the file again"):
        documents(folder)


@pytest.mark.parametrize("name", ["a.jsonl.zst", "a.jsonl.gz"])
def test_a_file_that_is_not_packed_as_its_name_says_is_refused(folder, name):
    (folder / name).write_bytes(lines(TEXTS))
    with pytest.raises(BadInput, match=r"so it is not a (gzip|zstd) file"):
        documents(folder)


BAD = {
    b"{": "not JSON",
    b'{"text": "a"} x': "not JSON",
    b"[" * 100_000: "not JSON",
    b'["text"]': "not a JSON object",
    b'{"content": "a"}': "no key `text`",
    b'{"text": null}': "`text` is no string",
    b'{"text": ["a"]}': "`text` is no string",
    b'{"text": "\xff"}': "not UTF-8 at byte 10",
}


@pytest.mark.parametrize(("bad", "why"), BAD.items())
def test_a_line_that_cannot_be_read_is_left_out_and_listed(folder, bad, why):
    (folder / "a.jsonl").write_bytes(lines(["甲"]) + bad + b"\n" + lines(["乙"]))
    found, counts, (row,) = documents(folder)
    assert found == ["甲", "乙"]
    assert (row["file"], row["line"]) == ("a.jsonl", 2)
    assert row["why"].startswith(why)
    assert (counts.lines, counts.rejected) == (3, 1)


@pytest.mark.parametrize(("bad", "why"), [*list(BAD.items())[3:], (b'{"text" "a"}', "not JSON"), (b"", "not JSON")])
def test_an_object_that_cannot_be_read_is_left_out_and_listed(folder, bad, why):
    begin = b'[{"text": "a"}, '
    (folder / "a.json").write_bytes(begin + bad + b', {"text": "b"}]')
    found, _, (row,) = documents(folder)
    assert found == ["a", "b"]
    assert (row["file"], row["byte"]) == ("a.json", len(begin))
    assert row["why"].startswith(why)


@pytest.mark.parametrize("end", [b"", b'{"text": "b"', b'{"text": "b', b'{"text": "b"}', b'{"text": "\\"]'])
def test_an_array_that_is_cut_off_is_read_up_to_there(folder, end):
    (folder / "a.json").write_bytes(b'[{"text": "a"}, ' + end)
    (folder / "b.json").write_bytes(b'[{"text": "c"}]')
    found, _, (row,) = documents(folder)
    assert found == ["a", "c"]
    assert (row["file"], row["byte"], row["why"]) == ("a.json", 16, "the array is cut off")


def test_a_file_that_is_no_array_is_refused(folder):
    (folder / "a.json").write_bytes(lines(["a"]))
    with pytest.raises(BadInput, match=r"a\.json: begins with b'{'.*name JSON lines \*\.jsonl"):
        documents(folder)
    (folder / "a.json").write_bytes(b'[{"text": "a"}] [')
    with pytest.raises(BadInput, match=r"a\.json: something follows the array at byte 16"):
        documents(folder)


def test_an_empty_array_is_an_array(folder):
    (folder / "a.json").write_bytes(b" [ ] ")
    assert documents(folder)[0] == []


@given(
    st.lists(st.recursive(st.none() | st.text('a"\\],[{}甲', max_size=5), lambda x: st.lists(x), max_leaves=5)),
    st.sampled_from([None, 1]),
    st.integers(1, 9),
)
def test_elements_are_found_wherever_blocks_end(tmp_path_factory, values, indent, block):
    path = tmp_path_factory.mktemp("array") / "a.json"
    path.write_text(json.dumps(values, ensure_ascii=False, indent=indent), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(array, "BLOCK", block)
        found = elements(path)
    assert [json.loads(element.raw) for element in found] == values
    assert not any(element.fault for element in found)


def test_what_is_longer_than_is_read_is_listed_not_held(folder, monkeypatch):
    monkeypatch.setattr(read, "MAX_DOCUMENT", 100)
    monkeypatch.setattr(array, "BLOCK", 50)
    (folder / "a.jsonl").write_bytes(lines(["a"]) + lines(["b" * 1000]) + lines(["c"]))
    (folder / "b.json").write_bytes(b'[{"text": "d"},{"text": "' + b"e" * 1000 + b'"}]')
    found, counts, rows = documents(folder)
    assert found == ["a", "c", "d"]
    assert [row["why"] for row in rows] == ["1,013 bytes, at most 100 are read", "longer than 100 bytes"]
    assert counts.rejected == 2


def test_halves_of_surrogate_pairs_are_dropped_and_listed(folder):
    (folder / "a.jsonl").write_bytes(b'{"text": "a\\ud800b\\ud83d\\ude00"}\n')
    found, counts, (row,) = documents(folder)
    assert found == ["ab😀"]
    assert (counts.damaged_lines, counts.rejected, row["line"]) == (1, 0, 1)


def test_json_texts_without_a_character_are_counted_not_rejected(folder):
    (folder / "a.jsonl").write_bytes(lines(["", " \n\u3000", "a"]))
    found, counts, rows = documents(folder)
    assert (found, counts.empty_documents, rows) == (["a"], 2, [])


def test_byte_order_marks_and_carriage_returns_do_no_harm(folder):
    (folder / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a\\r\\nb"}\r\n')
    (folder / "b.json").write_bytes(b'\xef\xbb\xbf[{"text": "c"}]')
    assert documents(folder)[0] == ["a\nb", "c"]


def test_too_many_rejected_are_refused(folder):
    (folder / "a.jsonl").write_bytes(lines(["a"] * 98) + b"{\n}\n")
    _, counts, rows = documents(folder)
    rejects.check(counts.figures(), rows, 0.02)
    with pytest.raises(BadInput, match=r"2 of 100 JSON texts cannot .*a\.jsonl:99 not JSON.*max_rejected 0\.019"):
        rejects.check(counts.figures(), rows, 0.019)


def test_files_are_found_by_suffix_in_the_order_of_paths(folder):
    for name in ("b.txt", "a/z.jsonl.gz", "a.json", "x.csv", "b.txt.bz2", "c.zst"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    assert [(f.name, f.format, f.packing) for f in formats.find(below(folder))] == [
        ("a.json", "json", ""),
        ("a/z.jsonl.gz", "jsonl", "gz"),
        ("b.txt", "txt", ""),
    ]
