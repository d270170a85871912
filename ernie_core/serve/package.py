"""A package: an exported model with its provenance, its scores and instructions for use."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ernie_core.errors import BadInput, NotFound
from ernie_core.serve import manifest
from ernie_core.serve.index import check_slug
from ernie_core.text import json_text

PROVENANCE = "provenance.json"
_PASSING = {"started", "ended", "seconds", "cpu_seconds", "peak_memory", "host", "run"}
"""Facts that differ each time the same artefact is made; they stay in the manifests of the store."""


def build(
    inference: Path, report: Path | None, package: Path, *, name: str, version: str, lineage: Mapping[str, Any]
) -> dict[str, float]:
    """Fill `package`; returns the scores of the report, or those of the exported model without one."""
    check_slug(name, "package name")
    check_slug(version, "package version")
    serving = manifest.read(inference)
    for path in sorted(inference.iterdir()):
        if path.is_file():
            shutil.copyfile(path, package / path.name)
    exported = _figures(inference)
    evaluated = _figures(report) if report else {}
    ancestry = {address: _lasting(said) for address, said in lineage.items()}
    provenance = {"format": 1, "name": name, "version": version, "lineage": ancestry,
                  "scores": {"exported": exported, "evaluated": evaluated}}  # fmt: skip
    _write(package / PROVENANCE, json.dumps(provenance, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    _write(package / "README.md", _page(name, version, serving, evaluated or exported))
    return evaluated or exported


def _figures(folder: Path) -> dict[str, float]:
    path = folder / "metrics.json"
    try:
        said = json_text.parse(path.read_text(encoding="utf-8"))
        return {key: float(value) for key, value in said.items() if isinstance(value, int | float)}
    except FileNotFoundError:
        raise NotFound(f"{path}: no such file, a package needs the scores of its model") from None
    except (ValueError, AttributeError) as e:
        raise BadInput(f"{path}: not a table of figures: {e}") from e


def _lasting(said: Any) -> Any:
    return {key: value for key, value in said.items() if key not in _PASSING} if isinstance(said, Mapping) else said


def _page(name: str, version: str, serving: manifest.Serving, scores: Mapping[str, float]) -> str:
    table = "".join(f"| {key} | {value:.6g} |\n" for key, value in sorted(scores.items()))
    task = serving.task.name.replace("_", " ").capitalize()
    return f"""# {name} {version}

{task} with an ERNIE model, {serving.precision}, up to {serving.task.max_seq_len} tokens.

    python -m ernie_core.serve FOLDER {serving.task.usage}

or, in Python, `Predictor.open(Path(FOLDER)).predict([...])` from `ernie_core.serve.predictor`. `model.onnx` is what is
served; `model.pdmodel` and `model.pdiparams` are the same model in float for Paddle. How it was made: `{PROVENANCE}`.

| score | |
| --- | --- |
{table}"""


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
