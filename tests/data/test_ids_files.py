"""Both pairs of files hold the same corpus."""

from pathlib import Path

import numpy as np
import pytest

from ernie_core.data import ids as corpora
from ernie_core.errors import BadInput
from ernie_core.text import segment
from ernie_core.text.ids import build as ids
from ernie_core.text.vocab import build as vocab


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Words and a vocabulary of a few sentences."""
    for name in ("text", "words", "vocab"):
        (tmp_path / name).mkdir()
    (tmp_path / "text" / "a.txt").write_text("今天天气很好。我们去公园。\n\n研究生命的起源。\n", encoding="utf-8")
    segment.files(tmp_path / "text", tmp_path / "words", tool="jieba")
    vocab.build([tmp_path / "words"], tmp_path / "vocab", size=3000, english_size=0, min_count=1, han="seen")
    return tmp_path


def write(made: Path, data_impl: str) -> Path:
    folder = made / data_impl
    folder.mkdir()
    ids.files(made / "words", made / "vocab", folder, data_impl=data_impl)
    return folder


def test_bin_and_idx_are_read_like_npy_and_npz(made: Path) -> None:
    one, other = (corpora.read([write(made, kind)]) for kind in ("npy", "mmap"))
    assert one.fingerprint() == other.fingerprint()
    assert len(one.docs) == 3
    np.testing.assert_array_equal(one.tokens(0, 2), other.tokens(0, 2))


@pytest.mark.parametrize("damage", [lambda b: b"x" + b[1:], lambda b: b[:-4], lambda b: b[:12]])
def test_a_damaged_index_is_named(made: Path, damage: object) -> None:
    folder = write(made, "mmap")
    index = next(folder.glob("*.idx"))
    index.write_bytes(damage(index.read_bytes()))  # type: ignore[operator]
    with pytest.raises(BadInput, match=index.name):
        corpora.read([folder])
