"""Scores of fine-tunings beside those of PaddleNLP's nets and its Trainer: same weights, data, settings and seeds.

Run with `python benchmarks/scores.py DATA [--encoder FOLDER] [--seeds N] [--only NAME,...]` in the environment of the
tests; DATA holds the published `peoples_daily_ner`, `slu_cais` and `cmrc2018`. Both sides start from the same encoder:
that of FOLDER, as `encoder.py` makes one, or a small one with random weights.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ernie_core import runtime  # noqa: E402

runtime.fit_processor()

import paddle  # noqa: E402

from ernie_core.datasets import dataset  # noqa: E402
from ernie_core.model import config, weights  # noqa: E402
from ernie_core.model.heads import ErnieForPretraining  # noqa: E402
from ernie_core.text.basics import SPECIALS  # noqa: E402
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer  # noqa: E402


@dataclass(frozen=True)
class DataSet:
    """Labelled data, how much of it, and the settings of its fine-tuning."""

    settings: Mapping[str, Any]
    train: int
    """Rows that are used, from the first; the same for dev."""
    dev: int
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Patterns of files where their names do not say the split."""


CHILDREN = Path(__file__).parent / "children"
SOURCES = {
    "peoples_daily_ner": DataSet(
        {"max_seq_len": 64, "batch_size": 16, "learning_rate": 1e-3, "num_train_epochs": 8}, 2000, 1000,
        {"train": ["example.test"], "dev": ["example.dev"]},
    ),
    "slu_cais": DataSet({"max_seq_len": 32, "batch_size": 32, "learning_rate": 2e-3, "num_train_epochs": 3}, 3000, 994),
    "cmrc2018": DataSet(
        {"max_seq_len": 128, "batch_size": 16, "learning_rate": 2e-3, "num_train_epochs": 2, "doc_stride": 100,
         "max_answer_length": 30}, 400, 150,
        {"train": ["cmrc2018_dev.json"], "dev": ["cmrc2018_trial.json"]},
    ),
}  # fmt: skip
SIDES = {"ours": "scores_child.py", "PaddleNLP": "scores_paddlenlp.py"}


def main() -> None:
    """Make data and weights, train both sides turn by turn, print the table."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("data", type=Path)
    wanted.add_argument("--encoder", type=Path, help="folder of a pretrained model")
    wanted.add_argument("--seeds", type=int, default=3, help="two at least")
    wanted.add_argument("--only", default=",".join(SOURCES))
    chosen = wanted.parse_args()
    print("| data | score | ours, mean [min..max] | PaddleNLP | difference | its standard error |")
    print("|---|---|---|---|---|---|")
    for name in chosen.only.split(","):
        found: dict[str, list[float]] = {side: [] for side in SIDES}
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            prepare(work, chosen.data, name, chosen.encoder)
            for seed in range(chosen.seeds):
                for side in SIDES:
                    score, figure = run(side, work, {**SOURCES[name].settings, "seed": seed})
                    found[side].append(figure)
                print(name, seed, *(found[side][-1] for side in SIDES), file=sys.stderr, flush=True)
        ours, theirs = found["ours"], found["PaddleNLP"]
        error = (statistics.variance(ours) / len(ours) + statistics.variance(theirs) / len(theirs)) ** 0.5
        cells = [f"{statistics.mean(each):.4f} [{min(each):.4f}..{max(each):.4f}]" for each in (ours, theirs)]
        apart = statistics.mean(ours) - statistics.mean(theirs)
        print(f"| {name} | {score} | {cells[0]} | {cells[1]} | {apart:+.4f} | {error:.4f} |", flush=True)


def prepare(work: Path, data: Path, name: str, encoder: Path | None) -> None:
    """Examples, and the model to begin with."""
    source = SOURCES[name]
    labelled(data / name, work, source.files)
    for split, count in (("train", source.train), ("dev", source.dev)):
        file = work / "data" / f"{split}.jsonl"
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:count]))
    if encoder:
        shutil.copytree(encoder, work / "model")
    else:
        (work / "model").mkdir()
        random_encoder(work, source.settings["max_seq_len"])


def labelled(source: Path, work: Path, files: Mapping[str, Sequence[str]]) -> None:
    """The examples of a published data set, in the folder `data` of `work`."""
    for name in ("raw", "data"):
        (work / name).mkdir(parents=True)
    for path in source.iterdir():
        if path.name != "README.md":
            (work / "raw" / path.name).symlink_to(path.resolve())
    dataset.make(work / "raw", work / "data", files=files, max_rejected=0.1, say=lambda line: None)


def random_encoder(work: Path, length: int) -> None:
    """2 layers of 64, whose vocabulary is the characters of train."""
    text = (work / "data/train.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    texts = ([*row.get("tokens", ()), *(row.get(key, "") for key in ("text", "context", "question"))] for row in rows)
    chars = {char.lower() for parts in texts for part in parts for char in part}
    tokenizer = WordPieceTokenizer((*SPECIALS, *sorted(char for char in chars if char.strip())))
    tokenizer.save(work / "model")
    paddle.seed(1)
    shape = config.shape("2L64H2", tokenizer.size, max_position_embeddings=length)
    weights.save(ErnieForPretraining(shape), work / "model")


def run(side: str, work: Path, settings: Mapping[str, Any]) -> tuple[str, float]:
    """The name of the main score and its value on dev, after the last step."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        asked = {"model": str(work / "model"), "data": str(work / "data"), "out": folder, **settings}
        command = [sys.executable, str(CHILDREN / SIDES[side]), json.dumps(asked)]
        environment = {**os.environ, **runtime.paddle_environment(1), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    name, _, value = done.stdout.strip().splitlines()[-1].partition(" ")
    return name, float(value)


if __name__ == "__main__":
    main()
