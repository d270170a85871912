"""Models and data sets under the names of the catalogue, with content made here: a mirror of them."""

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.catalogue import entries, fetch
from ernie_core.model import arrays
from ernie_core.model import config as configs
from ernie_core.model.foreign import expected

CHARACTERS = "今天气很好我们去公园散步这家酒店的服务态度非常差"


def model(name: str, mirror: Path) -> Path:
    """Random weights in the published shape; the folder that a mirror has them in."""
    entry = entries.find(name, "models")
    folder = mirror / Path(fetch.place(entry, entry.files[0])).parent
    folder.mkdir(parents=True)
    facts: dict[str, Any] = dict(entry.facts["config"])
    facts.pop("model_type")
    known = {field for field in configs.ErnieConfig.__dataclass_fields__ if field in facts}
    config = configs.ErnieConfig(**{name: facts[name] for name in known})
    draw = np.random.default_rng(0)
    weights = {f"ernie.{key}": draw.normal(0, 0.02, shape).astype(np.float32)
               for key, shape in expected.encoder(config).items()}  # fmt: skip
    arrays.write_arrays(weights, folder / "model_state.pdparams")
    words = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", *CHARACTERS]
    words += [chr(0x4E00 + i) for i in range(20000) if chr(0x4E00 + i) not in CHARACTERS]
    words += [f"[unused{i}]" for i in range(config.vocab_size - len(words))]
    (folder / "vocab.txt").write_text("\n".join(words[: config.vocab_size]) + "\n", encoding="utf-8")
    return folder


def newspaper(rows: int) -> bytes:
    """Sentences with tags as PaddleNLP publishes People's Daily: a header, words and tags joined by the byte 2."""
    lines = ["text_a\tlabel"]
    for i in range(rows):
        lines.append("\2".join(f"张三去北京看{i}") + "\t" + "\2".join(["B-PER", "I-PER", "O", "B-LOC", "I-LOC", "O"]
                     + ["O"] * len(str(i))))  # fmt: skip
    return ("\n".join(lines) + "\n").encode()


def tar(content: dict[str, bytes]) -> bytes:
    """A packed tar file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, body in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def md5(body: bytes) -> str:
    """As the catalogue names content."""
    return hashlib.md5(body).hexdigest()
