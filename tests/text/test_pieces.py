"""Work in pieces: what comes out does not depend on where texts are cut, or in which order the pieces are made."""

import gzip
import io
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernie_core.errors import BadInput
from ernie_core.store.files import StoredFile, below
from ernie_core.text import census, ids, pieces, segment, vocab, wordcut
from ernie_core.text.tokenizer import SPECIALS, Tokenizer

MB = 1 << 20


class Dripping(io.RawIOBase):
    """A stream that gives less than it is asked for."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.left = content

    def read(self, size: int = -1) -> bytes:
        given, self.left = self.left[: min(size, 3)], self.left[min(size, 3) :]
        return given


def dripping(contents: dict[str, bytes]) -> list[StoredFile]:
    return [
        StoredFile(name, len(content), lambda at, content=content: Dripping(content[at:]))
        for name, content in sorted(contents.items())
    ]


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


def cut_up(monkeypatch, module, size: int) -> None:
    """Have the work of a step cut into pieces of so many bytes."""
    monkeypatch.setattr(module, "LEAST", size)
    monkeypatch.setattr(module, "MOST", size)


def made(todo, folder: Path, make, order: int | None = None) -> list[Path]:
    """The folders of all pieces, made in any order; their parts are moved out of them."""
    numbers = list(range(len(todo)))
    if order is not None:
        random.Random(order).shuffle(numbers)
    for number in numbers:
        (folder / f".{number}").mkdir()
        make(todo[number], number, folder / f".{number}")
        for part in (folder / f".{number}").glob("part-*"):
            part.rename(folder / part.name)
    return [folder / f".{number}" for number in range(len(todo))]


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
    monkeypatch.setattr("ernie_core.text.read.MAX_LINE", 100)
    content = b"ok\n\n" * 200 + b"x" * 101 + b"\n"
    cut_up(monkeypatch, segment, 150)
    with pytest.raises(BadInput, match=r"a\.txt:401: a line of 102 bytes"):
        segmented(dripping({"a.txt": content}), tmp_path / "words")
    monkeypatch.setattr("ernie_core.text.read.MAX_DOCUMENT", 1000)
    content = b"ok\n\n" * 200 + b"yes\n" * 300
    with pytest.raises(BadInput, match=r"a\.txt:4\d\d: no empty line within"):
        segmented(dripping({"a.txt": content}), tmp_path / "more")


def test_a_text_without_any_empty_line_is_refused_by_every_piece_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr("ernie_core.text.read.MAX_DOCUMENT", 1000)
    cut_up(monkeypatch, segment, 400)
    files = dripping({"a.txt": b"yes\n" * 1000})
    for number, piece in enumerate(segment.pieces(files)[:6]):
        with pytest.raises(BadInput, match=rf"a\.txt:{100 * max(1, number) + 1}: no empty line within"):
            segment.piece(files, piece, number, tmp_path)


def test_any_white_space_is_an_empty_line_wherever_the_text_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("ernie_core.text.read.MAX_DOCUMENT", 1000)
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


@pytest.fixture
def corpus(tmp_path) -> Path:
    """Words in two parts, with lines of many lengths."""
    folder = tmp_path / "words"
    folder.mkdir()
    for number in range(2):
        writer = wordcut.Writer(folder, 1 << 20, number)
        for n in range(200):
            writer.write([["研究", chr(0x4E00 + n), "word" * (n % 7)]] * (1 + n % 5))
        writer.close()
    (folder / "rejected.jsonl").write_text("{}\n")
    return folder


def vocabulary(folder: Path) -> Path:
    folder.mkdir()
    Tokenizer((*SPECIALS, *map(chr, range(0x4E00, 0x4F00)), "研", "究", "word", "##word")).save(folder)
    return folder


@pytest.mark.parametrize("size", [1, 37, 1000, 30_000])
@pytest.mark.parametrize("data_impl", ["npy", "mmap"])
def test_ids_are_the_same_wherever_words_are_cut(corpus, tmp_path, monkeypatch, size, data_impl):
    known = vocabulary(tmp_path / "vocab")
    (tmp_path / "whole").mkdir()
    ids.files(corpus, known, tmp_path / "whole", data_impl=data_impl)
    cut_up(monkeypatch, ids, max(size, 500))
    monkeypatch.setattr(ids, "BLOCK", size)
    files = dripping({path.name: path.read_bytes() for path in corpus.iterdir()})
    todo = ids.pieces(files)
    (tmp_path / "cut").mkdir()
    folders = made(
        todo,
        tmp_path / "cut",
        lambda one, n, out: ids.piece(files, one, n, known, out, data_impl=data_impl),
        order=size,
    )
    ids.join(folders, known, tmp_path / "cut")
    for name in ("stats.json", "vocab.txt", "unicode.txt"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert stored(tmp_path / "cut", data_impl) == stored(tmp_path / "whole", data_impl)
    assert len(todo) > 1


def stored(folder: Path, data_impl: str) -> list[int]:
    if data_impl == "npy":
        return np.concatenate([np.load(path) for path in sorted(folder.glob("part-*_ids.npy"))]).tolist()
    return np.concatenate([np.fromfile(path, "<u2") for path in sorted(folder.glob("part-*.bin"))]).tolist()


def test_a_bad_line_in_a_later_piece_of_words_is_named_with_its_place(tmp_path, monkeypatch):
    cut_up(monkeypatch, ids, 100)
    files = dripping({"part-00000.jsonl": b'{"text": "a"}\n' * 50 + b"{}\n"})
    todo = ids.pieces(files)
    known = vocabulary(tmp_path / "vocab")
    with pytest.raises(BadInput, match=r"part-00000\.jsonl:51: not a JSON object"):
        ids.piece(files, todo[-1], len(todo) - 1, known, tmp_path)


def test_words_that_became_shorter_are_refused(tmp_path):
    content = b'{"text": "a"}\n' * 50
    files = [StoredFile("part-00000.jsonl", len(content), lambda at: io.BytesIO(content[at:-14]))]
    with pytest.raises(BadInput, match="became shorter"):
        ids.piece(files, ids.pieces(files)[0], 0, vocabulary(tmp_path / "vocab"), tmp_path)


@pytest.mark.parametrize("sample", [None, 3000])
@pytest.mark.parametrize("size", [700, 5000])
def test_counts_are_the_same_wherever_words_are_cut(corpus, tmp_path, monkeypatch, sample, size):
    monkeypatch.setattr(census, "BLOCK", 500)
    monkeypatch.setattr(vocab, "_SAMPLE", 0)
    files = dripping({path.name: path.read_bytes() for path in corpus.iterdir()})
    found = []
    for name, order in (("whole", None), ("cut", 3)):
        (tmp_path / name).mkdir()
        todo = vocab.pieces(files)
        folders = made(todo, tmp_path / name, lambda one, n, out: vocab.piece(files, one, n, out, sample=sample), order)
        vocab.join(folders, tmp_path / name, han="seen", min_count=1)
        found.append({path.name: path.read_bytes() for path in (tmp_path / name).glob("[a-z]*")})
        cut_up(monkeypatch, vocab, size)
    assert len(todo) > 1
    assert found[0] == found[1]
    assert set(found[0]) == {"vocab.txt", "report.json", "tokenizer_config.json", "special_tokens_map.json"}


def test_each_piece_holds_out_its_share(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(census, "BLOCK", 500)
    monkeypatch.setattr(census, "HELD_OUT", 5)
    monkeypatch.setattr(vocab, "_SAMPLE", 3000)
    cut_up(monkeypatch, vocab, 10_000)
    files = below(corpus)
    todo = vocab.pieces(files)
    folders = made(todo, tmp_path, lambda one, n, out: vocab.piece(files, one, n, out))
    held = [len("".join(census.load(folder).held_out).encode()) for folder in folders]
    assert len(held) > 3 and min(held) > 0
    assert sum(held) < 2 * 3000


def test_rare_words_are_forgotten_when_there_are_too_many_and_the_counts_are_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(census, "_MANY", 2)
    one = census.Census(words=census.Counter(often=5, rare=1))
    one.add(census.Census(words=census.Counter(often=1, other=2), held_out=["\ud800研"], documents=3))
    assert one.words == {"often": 5, "other": 1}
    one.save(tmp_path)
    first = (tmp_path / census.NAME).read_bytes()
    again = census.load(tmp_path)
    assert again == one
    again.save(tmp_path)
    assert (tmp_path / census.NAME).read_bytes() == first
