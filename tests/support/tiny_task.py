"""A task so small that it is learned in a second: which of two characters a text holds."""

import json
import random
from pathlib import Path

import paddle

from ernie_core.model import config, weights
from ernie_core.model.config import ModelType
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

GOOD, BAD, FILLERS = "好", "坏", "天地人你我他山水火风"
OF_ERNIE_M = ("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]")
"""The special tokens in the order of ERNIE-M's vocabulary, but for the last."""
QUICK = FinetuneRecipe(
    max_seq_len=16, batch_size=16, learning_rate=1e-2, num_train_epochs=2, eval_steps=8,
    hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.0,
)  # fmt: skip


def model(folder: Path, shape: str = "2L16H2", model_type: ModelType = "ernie") -> Path:
    """A pretrained model with random weights, of 32 positions; padding is token 1 of an ERNIE-M."""
    folder.mkdir(parents=True)
    is_m = model_type == "ernie_m"
    tokenizer = WordPieceTokenizer((*(OF_ERNIE_M if is_m else SPECIALS), GOOD, BAD, *FILLERS, "。", "，"))
    tokenizer.save(folder)
    paddle.seed(7)
    chosen = config.shape(shape, tokenizer.size, model_type=model_type, max_position_embeddings=34 if is_m else 32)
    weights.save(ErnieForPretraining(chosen, not is_m), folder)
    return folder


def task_data(folder: Path, *, pair: bool = False, train: int = 320) -> Path:
    """Labelled examples; of a pair the second text decides."""
    folder.mkdir(parents=True)
    chance = random.Random(3)
    for split, count in (("train", train), ("dev", 40), ("test", 40)):
        write(folder / f"{split}.jsonl", [example(chance, f"{split}-{i}", pair) for i in range(count)])
    (folder / "labels.txt").write_text("negative\npositive\n", encoding="utf-8")
    return folder


def example(chance: random.Random, name: str, pair: bool) -> dict[str, str]:
    """One labelled text of 3 to 12 characters."""
    label = chance.choice(["negative", "positive"])
    text = chance.choices(FILLERS, k=chance.randint(2, 11))
    text.insert(chance.randrange(len(text)), GOOD if label == "positive" else BAD)
    row = {"id": name, "text": "".join(text), "label": label}
    return row | {"text": "天地", "text_pair": row["text"]} if pair else row


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Rows as a `.jsonl` file."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def finetuned(folder: Path, *, pair: bool = False, model_type: ModelType = "ernie") -> Path:
    """A task model that has learned the task; its data and its origin are beside it."""
    found = folder / "finetuned"
    found.mkdir(parents=True)
    finetune(model(folder / "model", model_type=model_type), task_data(folder / "data", pair=pair), found, QUICK)
    return found
