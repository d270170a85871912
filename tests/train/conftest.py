"""A corpus and a model so small that a training takes a second."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system in memory, where there is one: for tests that force thousands of files to disk."""
    shm = Path("/dev/shm")
    if not shm.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shm) as folder:
        yield Path(folder)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder of ids with its vocabulary: 30 documents of 2 to 5 sentences."""
    folder = tmp_path / "ids"
    folder.mkdir()
    han = [chr(0x4E00 + k) for k in range(100)]
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", *han]) + "\n")
    random = np.random.RandomState(0)
    docs = np.concatenate([[0], np.cumsum(random.randint(2, 6, 30))]).astype("int64")
    lens = random.randint(3, 12, docs[-1]).astype("int32")
    np.save(folder / "part-00000_ids.npy", random.randint(5, 205, lens.sum()).astype("uint16"))
    np.savez(folder / "part-00000_idx.npz", lens=lens, docs=docs)
    return folder
