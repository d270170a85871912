"""Small labelled files, what the science makes of them, and what it says."""

import json
from pathlib import Path
from typing import Any

from ernie_core.datasets import dataset


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def lines(*rows: object) -> str:
    """JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class Made:
    """The examples of some files."""

    def __init__(self, raw: Path, **settings: Any) -> None:
        self.folder = raw.parent / f"made-{len(list(raw.parent.glob('made-*')))}"
        self.folder.mkdir()
        self.log: list[str] = []
        self.scores = dataset.make(raw, self.folder, say=self.log.append, **settings)

    def rows(self, split: str = "train") -> list[dict[str, Any]]:
        """The examples of a split."""
        return self.listed(f"{split}.jsonl")

    def listed(self, name: str) -> list[dict[str, Any]]:
        """The objects of a file of JSON lines."""
        return [json.loads(line) for line in (self.folder / name).read_text(encoding="utf-8").splitlines()]

    def read(self, name: str) -> Any:
        """The content of a JSON file."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def labels(self) -> list[str]:
        """The names of labels in their order."""
        return (self.folder / "labels.txt").read_text(encoding="utf-8").splitlines()

    def files(self) -> dict[str, bytes]:
        """Everything that was written."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}
