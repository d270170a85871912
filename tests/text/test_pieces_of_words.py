"""Words divided into pieces for ids and for vocabularies."""

import io
from pathlib import Path

import numpy as np
import pytest
from cutting import cut_up, dripping, made

from ernie_core.errors import BadInput
from ernie_core.store.files import StoredFile, below
from ernie_core.text import wordcut
from ernie_core.text.basics import SPECIALS
from ernie_core.text.ids import build as ids
from ernie_core.text.vocab import build as vocab
from ernie_core.text.vocab import census
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer


@pytest.fixture
def corpus(tmp_path) -> Path:
    """Words in two parts, with lines of many lengths."""
    folder = tmp_path / "words"
    folder.mkdir()
    for number in range(2):
        writer = wordcut.WordsWriter(folder, 1 << 20, number)
        for n in range(200):
            writer.write([["研究", chr(0x4E00 + n), "word" * (n % 7)]] * (1 + n % 5))
        writer.close()
    (folder / "rejected.jsonl").write_text("{}\n")
    return folder


def vocabulary(folder: Path) -> Path:
    folder.mkdir()
    WordPieceTokenizer((*SPECIALS, *map(chr, range(0x4E00, 0x4F00)), "研", "究", "word", "##word")).save(folder)
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
