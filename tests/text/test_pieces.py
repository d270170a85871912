"""Work in pieces: the result does not depend on how texts are divided, or in which order the pieces are made."""

import gzip
import io
import json
from pathlib import Path

import pytest
from cutting import cut_up, dripping, made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernie_core.errors import BadInput
from ernie_core.store.files import StoredFile
from ernie_core.text import pieces, segment

MB = 1 << 20


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans())), st.integers(1, 60), st.integers(1, 60))
def test_every_byte_is_in_one_piece_in_the_order_of_the_files(sizes, least, most):
    files = [StoredFile("cut" if cut else "whole", size, lambda at: io.BytesIO()) for size, cut in sizes]
    found = pieces.cut(files, divisible=lambda file: file.name == "cut", least=least, most=most)
    spans = [span for piece in found for span in piece]
    assert {span.file for span in spans} == set(range(len(files)))
    for number, file in enumerate(files):
        own = [span for span in spans if span.file == number]
        assert [own[0].begin, *[span.end for span in own]] == [*[span.begin for span in own], file.size]
        assert len(own) == 1 or file.name == "cut"
    assert [span.file for span in spans] == sorted(span.file for span in spans)
    for piece in found:
        last = files[piece[-1].file]
        assert pieces.size(piece) <= max(least, most) or (len(piece) == 1 and last.name == "whole")


@pytest.mark.parametrize(("total", "count"), [(0, 1), (1, 1), (4 * MB, 1), (104 * MB, 26), (1024 * MB, 64)])
def test_a_corpus_is_cut_in_pieces_of_one_size(total, count):
    found = pieces.cut([StoredFile("a.txt", total, lambda at: io.BytesIO())], divisible=lambda _: True)
    assert len(found) == count
    assert max(map(pieces.size, found)) - min(map(pieces.size, found)) < count


def test_400_gigabytes_are_pieces_of_256_megabytes():
    files = [StoredFile(f"part-{n}.txt", 1 << 30, lambda at: io.BytesIO()) for n in range(400)]
    assert {pieces.size(piece) for piece in pieces.cut(files, divisible=lambda _: True)} == {256 * MB}


def segmented(files, folder: Path, order: int | None = None) -> tuple[bytes, list[dict], dict]:
    """The lines of all parts, what was rejected, and the figures."""
    folder.mkdir()
    todo = segment.pieces(files)
    folders = made(
        todo, folder, lambda one, n, out: segment.piece(files, one, n, out, max_rejected=1, custom_words=None), order
    )
    segment.join(folders, folder, max_rejected=1)
    lines = b"".join(path.read_bytes() for path in sorted(folder.glob("part-*")))
    rejected = [json.loads(row) for row in (folder / "rejected.jsonl").read_bytes().splitlines()]
    return lines, rejected, json.loads((folder / "stats.json").read_text())


LINES = st.sampled_from(
    ["", "", " \t", "\u3000", "研究", "生命起源。是", "a b", "\ufeff", "\x00", "é" * 9, b"\xff\n".decode("latin1")]
).map(str.encode)
ENDS = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r\r\n"])
PLAIN = st.lists(st.tuples(LINES, ENDS), max_size=20).map(lambda rows: b"".join(map(b"".join, rows)))
OBJECTS = st.sampled_from(
    [b'{"text": "\xe7\xa0\x94\\n\xe7\xa9\xb6"}', b'{"text": "b\\ud800"}', b"{", b"", b" ", b'{"text": ""}', b"\xff"]
)
JSONL = st.lists(OBJECTS, max_size=12).map(b"\n".join)
BOM = st.sampled_from([b"", b"\xef\xbb\xbf"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(BOM, PLAIN, st.sampled_from([b"", b"\xff", "研".encode()])).map(b"".join),
    st.tuples(BOM, JSONL).map(b"".join),
    st.integers(4, 60),
    st.integers(0, 9),
)
def test_words_are_the_same_wherever_texts_are_cut(tmp_path_factory, plain, lines, size, order):
    folder = tmp_path_factory.mktemp("cut")
    packed = gzip.compress(plain, mtime=0)
    contents = {"a.txt": plain, "b.jsonl": lines, "c.txt.gz": packed, "d.json": b'[{"text": "x"}, 1]', "e.txt": plain}
    whole = segmented(dripping(contents), folder / "whole")
    with pytest.MonkeyPatch.context() as patched:
        cut_up(patched, segment, size)
        assert segmented(dripping(contents), folder / "cut", order) == whole


def test_a_piece_without_the_beginning_of_a_document_has_no_part(tmp_path, monkeypatch):
    (tmp_path / "text").mkdir()
    (tmp_path / "text/a.txt").write_text("研究" * 50 + "\n", encoding="utf-8")
    cut_up(monkeypatch, segment, 100)
    figures = segment.files(tmp_path / "text", tmp_path)
    assert [path.name for path in sorted(tmp_path.glob("part-*"))] == ["part-00000.jsonl"]
    assert figures["documents"] == 1


def test_lines_that_are_rejected_have_the_numbers_of_the_whole_file(tmp_path, monkeypatch):
    rows = [b'{"text": "a"}'] * 300
    rows[7] = rows[205] = rows[299] = b"{"
    plain = [b"a", b""] * 150
    plain[4] = plain[250] = b"\xff"
    contents = {"a.jsonl": b"\n".join(rows), "b.txt": b"\n".join(plain), "c.jsonl": b"{"}
    cut_up(monkeypatch, segment, 200)
    files = dripping(contents)
    assert len(segment.pieces(files)) > 10
    _, rejected, stats = segmented(files, tmp_path / "words")
    places = [(row["file"], row["line"]) for row in rejected]
    assert places == [("a.jsonl", n) for n in (8, 206, 300)] + [("b.txt", 5), ("b.txt", 251), ("c.jsonl", 1)]
    assert stats["rejected_examples"][1].startswith("a.jsonl:206 not JSON")


def test_a_fault_within_a_piece_is_named_with_the_line_of_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr("ernie_core.text.corpus.read.MAX_LINE", 100)
    content = b"ok\n\n" * 200 + b"x" * 101 + b"\n"
    cut_up(monkeypatch, segment, 150)
    with pytest.raises(BadInput, match=r"a\.txt:401: a line of 102 bytes"):
        segmented(dripping({"a.txt": content}), tmp_path / "words")
    monkeypatch.setattr("ernie_core.text.corpus.read.MAX_DOCUMENT", 1000)
    content = b"ok\n\n" * 200 + b"yes\n" * 300
    with pytest.raises(BadInput, match=r"a\.txt:4\d\d: no empty line within"):
        segmented(dripping({"a.txt": content}), tmp_path / "more")


def test_a_text_without_any_empty_line_is_refused_by_every_piece_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr("ernie_core.text.corpus.read.MAX_DOCUMENT", 1000)
    cut_up(monkeypatch, segment, 400)
    files = dripping({"a.txt": b"yes\n" * 1000})
    for number, piece in enumerate(segment.pieces(files)[:6]):
        with pytest.raises(BadInput, match=rf"a\.txt:{100 * max(1, number) + 1}: no empty line within"):
            segment.piece(files, piece, number, tmp_path)


def test_any_white_space_is_an_empty_line_wherever_the_text_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("ernie_core.text.corpus.read.MAX_DOCUMENT", 1000)
    cut_up(monkeypatch, segment, 400)
    files = dripping({"a.txt": "研究\n\u3000\n".encode() * 1000})
    assert len(segment.pieces(files)) > 10
    assert segmented(files, tmp_path / "words")[2]["documents"] == 1000


def test_what_is_rejected_is_judged_over_all_pieces(tmp_path, monkeypatch):
    good, bad = b'{"text": "a"}\n', b"{............\n"
    files = dripping({"a.jsonl": bad * 2 + good * 98})
    cut_up(monkeypatch, segment, 10 * len(good))
    todo = segment.pieces(files)
    assert len(todo) == 10
    folders = made(todo, tmp_path, lambda one, n, out: segment.piece(files, one, n, out, max_rejected=0.002))
    segment.join(folders, tmp_path, max_rejected=0.02)
    with pytest.raises(BadInput, match=r"2 of 100 JSON texts .*a\.jsonl:2 not JSON"):
        segment.join(folders, tmp_path, max_rejected=0.019)


def test_a_piece_that_decides_it_alone_fails_at_once(tmp_path, monkeypatch):
    good, bad = b'{"text": "a"}\n', b"{............\n"
    files = dripping({"a.jsonl": good * 15 + bad + good * 84})
    cut_up(monkeypatch, segment, 10 * len(good))
    with pytest.raises(BadInput, match=r"1 of 10 JSON texts .*a\.jsonl:16 not JSON.*max_rejected 0:"):
        segment.piece(files, segment.pieces(files)[1], 1, tmp_path, max_rejected=0)


def test_a_piece_of_which_nothing_can_be_read_fails_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(segment, "_HOPELESS", 10)
    text = "研究\n\n" * 100
    files = dripping({"a.txt": text.encode(), "b.txt": text.encode("gb18030")})
    cut_up(monkeypatch, segment, 400)
    todo = segment.pieces(files)
    segment.piece(files, todo[0], 0, tmp_path, max_rejected=0.9)
    with pytest.raises(BadInput, match=r"not one of .* can be read \(first: b\.txt:\d+ not UTF-8.*convert the files"):
        segment.piece(files, todo[-1], len(todo) - 1, tmp_path, max_rejected=0.9)
