"""A corpus with word marks, and its vocabulary."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

HAN = [chr(0x4E00 + k) for k in range(200)]
TOKENS = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", *HAN, "##a", "##" + HAN[0], "b"]


def put(folder: Path, documents: list[list[list[int]]]) -> Path:
    """Write documents of sentences of ids."""
    folder.mkdir(parents=True)
    sentences = [sentence for document in documents for sentence in document]
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    np.save(folder / "part-00000_ids.npy", np.array([token for s in sentences for token in s], "uint16"))
    docs = np.cumsum([0, *map(len, documents)]).astype("int64")
    np.savez(folder / "part-00000_idx.npz", lens=np.array([len(s) for s in sentences], "int32"), docs=docs)
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, list[list[list[int]]]], Path]:
    """Writes documents to a folder with a name."""
    return lambda name, documents: put(tmp_path / name, documents)


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 documents whose words have one to three characters."""
    random = np.random.RandomState(3)
    extended = len(TOKENS) + len(HAN) - 1

    def word() -> list[int]:
        inner = [int(random.randint(len(TOKENS), extended)) for _ in range(random.randint(0, 3))]
        return [int(random.randint(5, 205)), *inner]

    def sentence() -> list[int]:
        return [token for _ in range(random.randint(2, 9)) for token in word()]

    documents = [[sentence() for _ in range(random.randint(2, 8))] for _ in range(300)]
    return put(tmp_path_factory.mktemp("data") / "ids", documents)
