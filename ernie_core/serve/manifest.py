"""`serving.json`: what a server must know of an exported model, and a probe by which it checks itself."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import json_text

FILE = "serving.json"
FORMAT = 1
MODEL = "model.onnx"

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Probe:
    """Texts (or pairs) with the logits of each alone and of all in one batch: int8 scales depend on the batch."""

    texts: tuple[str | tuple[str, str], ...]
    logits: Rows
    logits_together: Rows
    tolerance: float


@dataclass(frozen=True)
class Serving:
    """An exported model as its server sees it."""

    task: str
    precision: str
    max_seq_len: int
    text_pair: bool
    inputs: tuple[dict[str, str], ...]
    """Name and dtype of each."""
    engines: tuple[str, ...]
    """The order in which `auto` looks for an engine."""
    probe: Probe


def write(serving: Serving, folder: Path) -> None:
    """Write the file; equal values are equal bytes."""
    text = json.dumps({"format": FORMAT, **asdict(serving)}, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> Serving:
    """Read the file of an exported model or a package."""
    path = folder / FILE
    if not path.is_file():
        raise NotFound(f"{path}: no such file, this folder holds no exported model or package")
    try:
        said = json_text.parse(path.read_text(encoding="utf-8"))
        if said["format"] != FORMAT:
            raise BadInput(f"{path}: another format than {FORMAT}, serve it with the version that made it")
        probe = said["probe"]
        texts = tuple(text if isinstance(text, str) else (str(text[0]), str(text[1])) for text in probe["texts"])
        alone, together = (tuple(map(tuple, probe[key])) for key in ("logits", "logits_together"))
        checked = Probe(texts, alone, together, float(probe["tolerance"]))
        return Serving(
            task=str(said["task"]),
            precision=str(said["precision"]),
            max_seq_len=int(said["max_seq_len"]),
            text_pair=bool(said["text_pair"]),
            inputs=tuple(said["inputs"]),
            engines=tuple(said["engines"]),
            probe=checked,
        )
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as e:
        raise BadInput(f"{path}: damaged, pull or make the model again: {e!r}") from e
