"""Opens a pretrained encoder with a new head, as ours or PaddleNLP's, and prints the seconds: for ../opening.py."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

name, folder = sys.argv[1], Path(sys.argv[2])
kind = json.loads((folder / "config.json").read_text())["model_type"]


def ours() -> Callable[[], object]:
    """Our way: what a fine-tuning does."""
    from ernie_core.model import config
    from ernie_core.model.heads import ErnieForSequenceClassification
    from ernie_core.tasks import nets
    from ernie_core.tasks.recipe import FinetuneRecipe
    from ernie_core.tasks.sequence_classification import SequenceClassification
    from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

    ErnieForSequenceClassification(config.shape("1L16H2", 10))
    learned, words = SequenceClassification(128, ("a", "b"), False), WordPieceTokenizer(("[PAD]",))
    return lambda: nets.opened(folder, words, learned, FinetuneRecipe())


def theirs() -> Callable[[], object]:
    """PaddleNLP's way."""
    from paddlenlp import transformers

    opener = {
        "ernie": transformers.ErnieForSequenceClassification, "ernie_m": transformers.ErnieMForSequenceClassification
    }[kind]  # fmt: skip
    opener(opener.config_class(vocab_size=10, hidden_size=16, num_hidden_layers=1, num_attention_heads=2))
    return lambda: opener.from_pretrained(str(folder))


run = {"ours": ours, "PaddleNLP": theirs}[name]()
cpu, wall = time.process_time(), time.perf_counter()
run()
print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall]))
