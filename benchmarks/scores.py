"""Scores of fine-tunings beside those of PaddleNLP's nets and its Trainer: same weights, data, settings, three seeds.

Run with `python benchmarks/scores.py DATA [--seeds N]` in the environment of the tests; DATA holds the published
`peoples_daily_ner` and `slu_cais`. Both sides start from the same small encoder with random weights.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

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

CHILDREN = Path(__file__).parent / "children"
SOURCES = {
    "peoples_daily_ner": {"train": ["example.test"], "dev": ["example.dev"]},
    "slu_cais": {},
}
"""Patterns of files where their names do not say the split."""
SETTINGS = {"max_seq_len": 64, "batch_size": 16, "learning_rate": 1e-3, "num_train_epochs": 3}
SIDES = {"ours": "scores_child.py", "PaddleNLP": "scores_paddlenlp.py"}


def main() -> None:
    """Make data and weights, train both sides turn by turn, print the table."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("data", type=Path)
    wanted.add_argument("--seeds", type=int, default=3, help="two at least")
    chosen = wanted.parse_args()
    print(
        "| data | score | ours, mean [min..max] | PaddleNLP | standard error of the difference |\n|---|---|---|---|---|"
    )
    for name, files in SOURCES.items():
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            prepare(work, chosen.data / name, files)
            found: dict[str, list[float]] = {side: [] for side in SIDES}
            for seed in range(chosen.seeds):
                for side in SIDES:
                    score, figure = run(side, work, seed)
                    found[side].append(figure)
        ours, theirs = found["ours"], found["PaddleNLP"]
        error = (statistics.variance(ours) / len(ours) + statistics.variance(theirs) / len(theirs)) ** 0.5
        cells = [f"{statistics.mean(each):.4f} [{min(each):.4f}..{max(each):.4f}]" for each in (ours, theirs)]
        print(f"| {name} | {score} | {cells[0]} | {cells[1]} | {error:.4f} |", flush=True)


def prepare(work: Path, source: Path, files: dict[str, list[str]]) -> None:
    """Examples, and a model whose vocabulary is the characters of train."""
    for name in ("raw", "data", "model"):
        (work / name).mkdir()
    for path in source.iterdir():
        if path.name != "README.md":
            (work / "raw" / path.name).symlink_to(path.resolve())
    dataset.make(work / "raw", work / "data", files=files, say=lambda line: None)
    text = (work / "data/train.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    chars = {char.lower() for row in rows for token in row.get("tokens", row.get("text", "")) for char in token}
    tokenizer = WordPieceTokenizer((*SPECIALS, *sorted(char for char in chars if char.strip())))
    tokenizer.save(work / "model")
    paddle.seed(1)
    shape = config.shape("2L64H2", tokenizer.size, max_position_embeddings=64)
    weights.save(ErnieForPretraining(shape), work / "model")


def run(side: str, work: Path, seed: int) -> tuple[str, float]:
    """The name of the main score and its value on dev, after the last step."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        asked = {"model": str(work / "model"), "data": str(work / "data"), "out": folder, "seed": seed, **SETTINGS}
        command = [sys.executable, str(CHILDREN / SIDES[side]), json.dumps(asked)]
        environment = {**os.environ, **runtime.paddle_environment(1), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    name, _, value = done.stdout.strip().splitlines()[-1].partition(" ")
    return name, float(value)


if __name__ == "__main__":
    main()
