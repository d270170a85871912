"""`serving.json`: what a server needs to know of an exported model, and a probe for its self-check."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.errors import BadInput, NotFound
from ernie_core.tasks import task
from ernie_core.tasks.task import Outputs, Task
from ernie_core.text import json_text

FILE = "serving.json"
FORMAT = 1
MODEL = "model.onnx"

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Probe:
    """Questions, with the outputs of each row alone and of all in one batch: int8 scales depend on the batch.

    The outputs of a row are concatenated as flat numbers.
    """

    texts: tuple[Any, ...]
    """Questions of the task; each is a text or a tuple of texts."""
    logits: Rows
    logits_together: Rows
    tolerance: float
    """Largest allowed difference of an output."""


@dataclass(frozen=True)
class Serving:
    """Description of an exported model for its server."""

    task: Task[Any, Any]
    precision: str
    inputs: tuple[dict[str, str], ...]
    """`name` and `dtype` of each input."""
    engines: tuple[str, ...]
    """Engines in the order in which `auto` tries them."""
    probe: Probe

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(said["name"] for said in self.inputs)


def numbers(outputs: Outputs) -> list[np.ndarray]:
    """The concatenated outputs of every row as a probe has them, float32 [elements of the row]."""
    return [np.concatenate([output.ravel() for output in row]) for row in outputs]


def write(serving: Serving, folder: Path) -> None:
    """Write the file; equal values give equal bytes."""
    content = {
        **serving.task.description(),
        "format": FORMAT,
        "precision": serving.precision,
        "inputs": serving.inputs,
        "engines": serving.engines,
        "probe": asdict(serving.probe),
    }
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> Serving:
    """Read the file of an exported model or a package, and those of its task."""
    path = folder / FILE
    if not path.is_file():
        raise NotFound(f"{path}: no such file, this folder holds no exported model or package")
    try:
        content = json_text.parse(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise BadInput(f"{path}: another format than {FORMAT}, serve it with the version that made it")
        probe = content["probe"]
        alone, together = (tuple(map(tuple, probe[key])) for key in ("logits", "logits_together"))
        served = Serving(
            task=task.opened(folder, content),
            precision=str(content["precision"]),
            inputs=tuple(content["inputs"]),
            engines=tuple(content["engines"]),
            probe=Probe(tuple(map(_question, probe["texts"])), alone, together, float(probe["tolerance"])),
        )
        if not served.names or not set(served.names) <= set(served.task.inputs):
            raise ValueError(f"inputs {list(served.names)} are not of {', '.join(served.task.inputs)}")
        return served
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as e:
        raise BadInput(f"{path}: damaged, pull or make the model again: {e!r}") from e


def _question(value: Any) -> Any:
    """A question with tuples in place of JSON's lists."""
    return value if isinstance(value, str) else tuple(map(_question, value))
