"""Words to the id files that pretraining reads."""

import hashlib
import io
import json
import struct
import zipfile
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernie_core import native
from ernie_core.errors import BadInput, Refused, Stopped
from ernie_core.text import normalise, unicode_table, wordcut
from ernie_core.text.basics import SPECIALS
from ernie_core.text.ids import build as ids
from ernie_core.text.ids import id_files, kernel, marks
from ernie_core.text.ids.marks import Marker
from ernie_core.text.wordcut import WordsWriter
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer


@pytest.fixture(scope="module")
def made(words, vocabulary, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ids")
    ids.files(words, vocabulary, folder)
    return folder


def small(folder: Path, documents: list[list[str]]) -> Path:
    folder.mkdir()
    writer = WordsWriter(folder, 1 << 20)
    for document in documents:
        writer.write([wordcut.split(sentence) for sentence in document])
    writer.close()
    return folder


def tiny_vocab(folder: Path) -> Path:
    folder.mkdir()
    WordPieceTokenizer((*SPECIALS, "研", "究", "a")).save(folder)
    return folder


def test_the_ids_of_every_sentence_stand_back_to_back(tmp_path):
    words = small(tmp_path / "words", [["研究 a", "究"], ["a   a"]])
    ids.files(words, tiny_vocab(tmp_path / "vocab"), tmp_path)
    assert np.load(tmp_path / "part-00000_ids.npy").tolist() == [5, 9, 7, 6, 7, 7]
    index = np.load(tmp_path / "part-00000_idx.npz")
    assert index["lens"].tolist() == [3, 1, 2]
    assert index["docs"].tolist() == [0, 2, 3]


def test_files_have_the_types_and_invariants_that_readers_ask_for(made, tokenizer):
    for path in sorted(made.glob("*_ids.npy")):
        stored = np.load(path, mmap_mode="r")
        index = np.load(path.with_name(path.name.replace("_ids.npy", "_idx.npz")))
        assert sorted(index.files) == ["docs", "lens"]
        assert (stored.dtype, index["lens"].dtype, index["docs"].dtype) == (np.uint16, np.int32, np.int64)
        assert index["lens"].sum() == len(stored)
        assert index["docs"][0] == 0
        assert index["docs"][-1] == len(index["lens"])
        assert (np.diff(index["docs"]) > 0).all()
        assert (index["lens"] > 0).all()
        assert stored.max() < tokenizer.size + len(marks.extension(tokenizer.vocab))


def test_a_file_of_ids_is_what_numpy_itself_would_write(made):
    path = made / "part-00000_ids.npy"
    again = io.BytesIO()
    np.save(again, np.load(path))
    assert again.getvalue() == path.read_bytes()
    with zipfile.ZipFile(made / "part-00000_idx.npz") as index:
        assert {entry.date_time for entry in index.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in index.infolist()} == {zipfile.ZIP_STORED}


def test_stored_ids_are_those_of_every_sentence(made, words, tokenizer):
    marker = Marker(tokenizer)
    documents = [document for part in wordcut.parts(words) for _, document in wordcut.read(part)][-3000:]
    found = [number for document in documents for sentence in document for number in marker.encode(sentence)]
    assert np.load(made / "part-00000_ids.npy")[-len(found) :].tolist() == found


def test_the_figures_say_what_the_files_hold(made, words, vocabulary, tokenizer):
    stats = json.loads((made / "stats.json").read_text())
    parts = [np.load(path) for path in sorted(made.glob("*_ids.npy"))]
    assert stats["tokens"] == sum(map(len, parts))
    assert stats["unk"] == sum(int((part == tokenizer.unk_id).sum()) for part in parts)
    assert stats["documents"] == json.loads((words / "stats.json").read_text())["documents"]
    assert (stats["base_size"], stats["extension"], stats["dtype"]) == (tokenizer.size, 20902, "uint16")
    assert stats["vocab_sha256"] == hashlib.sha256((vocabulary / "vocab.txt").read_bytes()).hexdigest()
    assert (stats["unicode"], stats["marking"]) == ("13.0.0", "positional")
    assert (made / "vocab.txt").read_bytes() == (vocabulary / "vocab.txt").read_bytes()
    assert (made / "unicode.txt").read_bytes() == unicode_table.PATH.read_bytes()


def test_the_lengths_of_sentences_are_counted(made):
    lens = np.concatenate([np.load(path)["lens"] for path in sorted(made.glob("*_idx.npz"))])
    bounds = [0, 8, 16, 32, 64, 128, 256, 512, 1 << 30]
    stats = json.loads((made / "stats.json").read_text())
    assert list(stats["lengths"]) == list(ids.LENGTHS)
    assert list(stats["lengths"].values()) == np.histogram(lens, np.array(bounds) + 1)[0].tolist()
    assert stats["lengths"][">512"] == stats["long_sentences"] > 0


@given(st.lists(st.sampled_from([1, 8, 9, 16, 17, 511, 512, 513, 70000])))
def test_lengths_are_counted_in_c_as_in_python(lengths):
    lens = np.array(lengths, "<i4").tobytes()
    fast = list(ids.count_lengths(lens))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(native, "load", lambda *_: None)
        assert fast == ids.count_lengths(lens)
    assert sum(fast) == len(lengths)


@pytest.mark.parametrize("marking", kernel.MARKINGS)
def test_the_kernel_and_python_write_the_same_bytes(words, vocabulary, tmp_path, monkeypatch, marking):
    sample = tmp_path / "sample"
    sample.mkdir()
    for part in wordcut.parts(words):
        (sample / part.name).write_bytes(b"".join(part.read_bytes().splitlines(keepends=True)[:400]))
    folders = [tmp_path / "fast", tmp_path / "slow"]
    for folder in folders:
        folder.mkdir()
        ids.files(sample, vocabulary, folder, marking=marking)
        monkeypatch.setattr(kernel, "_native", lambda: None)
        ids._encoder.cache_clear()
    assert_same_files(*folders)


def assert_same_files(one: Path, other: Path) -> None:
    assert sorted(p.name for p in one.iterdir()) == sorted(p.name for p in other.iterdir())
    for path in one.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name


@pytest.mark.parametrize("block", [1, 1000, 1 << 16])
def test_the_size_of_blocks_changes_no_byte(words, vocabulary, tmp_path, monkeypatch, block):
    documents = wordcut.parts(words)[0].read_bytes().splitlines(keepends=True)[:300]
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "part-00000.jsonl").write_bytes(b"".join(documents))
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
        ids.files(tmp_path / "words", vocabulary, folder)
        monkeypatch.setattr(ids, "BLOCK", block)
    assert_same_files(*folders)


def test_the_reference_rule_marks_words_wherever_they_are_spelt(tmp_path):
    (tmp_path / "vocab").mkdir()
    WordPieceTokenizer((*SPECIALS, *"研究生命")).save(tmp_path / "vocab")
    words = small(tmp_path / "words", [["研究生 研究 生命"]])
    for marking, expected in (("positional", [5, 10, 11, 5, 10, 7, 12]), ("paddlenlp", [5, 10, 11, 5, 10, 11, 8])):
        ids.files(words, tmp_path / "vocab", tmp_path, marking=marking)
        assert np.load(tmp_path / "part-00000_ids.npy").tolist() == expected
        assert json.loads((tmp_path / "stats.json").read_text())["marking"] == marking


def test_the_later_pair_of_files_holds_the_same(tmp_path):
    words = small(tmp_path / "words", [["研究 a", "究"], ["a   a"], ["\u3000"]])
    vocab = tiny_vocab(tmp_path / "vocab")
    for data_impl in ("npy", "mmap"):
        ids.files(words, vocab, tmp_path, data_impl=data_impl)
    stored = np.load(tmp_path / "part-00000_ids.npy")
    arrays = np.load(tmp_path / "part-00000_idx.npz")
    raw = (tmp_path / "part-00000.idx").read_bytes()
    assert (tmp_path / "part-00000.bin").read_bytes() == stored.tobytes()
    assert (raw[:9], struct.unpack("<QBQQ", raw[9:34])) == (b"MMIDIDX\0\0", (1, 8, 3, 3))
    lens, offsets = np.frombuffer(raw, "<i4", 3, 34), np.frombuffer(raw, "<i8", 3, 46)
    assert lens.tolist() == arrays["lens"].tolist()
    assert offsets.tolist() == [0, *accumulate(2 * length for length in lens.tolist()[:-1])]
    assert np.frombuffer(raw, "<i8", offset=70).tolist() == arrays["docs"].tolist()


def test_other_formats_of_files_are_refused_by_name(tmp_path):
    words = small(tmp_path / "words", [["研"]])
    with pytest.raises(BadInput, match=r"`lazy`.*npy, mmap"):
        ids.files(words, tiny_vocab(tmp_path / "vocab"), tmp_path, data_impl="lazy")


@pytest.mark.parametrize("bad", ['{"text": 1}', '{"text": "\x01"}', "", '{"text": "研'])
def test_a_bad_line_is_named_with_its_place_in_the_file(tmp_path, monkeypatch, bad):
    monkeypatch.setattr(ids, "BLOCK", 64)
    words = tmp_path / "words"
    words.mkdir()
    (words / "part-00000.jsonl").write_text('{"text": "研 究"}\n' * 20 + bad + "\n" + '{"text": "研"}\n')
    with pytest.raises(BadInput, match=r"part-00000\.jsonl:21: not a JSON object"):
        ids.files(words, tiny_vocab(tmp_path / "vocab"), tmp_path)


def test_a_document_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ids, "BLOCK", 64)
    monkeypatch.setattr(wordcut, "LONGEST", 1000)
    vocab = tiny_vocab(tmp_path / "vocab")
    ids.files(small(tmp_path / "words", [["研"], ["究" * 300]]), vocab, tmp_path)
    with pytest.raises(BadInput, match=r"part-00000\.jsonl: a document behind byte .* is longer than"):
        ids.files(small(tmp_path / "more", [["研"], ["究" * 400], ["研"]]), vocab, tmp_path)


def test_ids_that_do_not_fit_in_16_bits_are_int32():
    assert (id_files.dtype(65536), id_files.dtype(65537)) == ("uint16", "int32")


def test_a_large_vocabulary_makes_int32(tmp_path):
    (tmp_path / "vocab").mkdir()
    WordPieceTokenizer((*SPECIALS, "研", "究", *(f"a{n}" for n in range(65536)))).save(tmp_path / "vocab")
    ids.files(small(tmp_path / "words", [["研究"]]), tmp_path / "vocab", tmp_path)
    stored = np.load(tmp_path / "part-00000_ids.npy")
    assert (stored.dtype, stored.tolist()) == (np.int32, [5, 65544])


def test_sentences_and_documents_without_tokens_are_dropped_and_counted(tmp_path):
    words = small(tmp_path / "words", [["\u3000", "研"], ["\u200b"], [" "]])
    figures = ids.files(words, tiny_vocab(tmp_path / "vocab"), tmp_path)
    assert (figures["documents"], figures["dropped_documents"]) == (1, 2)
    assert (figures["sentences"], figures["dropped_sentences"]) == (1, 3)
    assert figures["single_sentence_documents"] == 1


def test_words_without_a_token_are_refused_with_what_was_dropped(tmp_path):
    words = small(tmp_path / "words", [["\u3000"], ["\u200b"]])
    with pytest.raises(BadInput, match=r"no document with a token .*dropped_documents 2"):
        ids.files(words, tiny_vocab(tmp_path / "vocab"), tmp_path)
    assert not list(tmp_path.glob("part-*"))


def test_a_lone_surrogate_is_dropped(tmp_path):
    words = tmp_path / "words"
    words.mkdir()
    (words / "part-00000.jsonl").write_text('{"text": "研\\ud800究\\n"}\n')
    ids.files(words, tiny_vocab(tmp_path / "vocab"), tmp_path)
    assert np.load(tmp_path / "part-00000_ids.npy").tolist() == [5, 9]


def test_another_unicode_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(normalise, "UNICODE", "15.1.0")
    words = small(tmp_path / "words", [["研"]])
    with pytest.raises(Refused, match="Unicode"):
        ids.files(words, tmp_path, tmp_path)


def test_it_stops_when_asked(words, vocabulary, tmp_path):
    with pytest.raises(Stopped):
        ids.files(words, vocabulary, tmp_path, stop=lambda: True)
    assert not (tmp_path / "stats.json").exists()
