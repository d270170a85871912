"""From plain text in fifteen languages to an ERNIE-M that was made from nothing, opens and answers."""

import random
from pathlib import Path

import numpy as np
import paddle
import pytest
import real_data
from train import trainer

from ernie_core.model import config, weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.text import segment
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.ids import build as ids
from ernie_core.text.vocab import build as vocab

LANGUAGES = ["ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"]
LENGTH = 8
"""Sentences of a document."""


@pytest.mark.slow
def test_a_model_is_made_of_plain_text_in_fifteen_languages(tmp_path: Path) -> None:
    raw = real_data.folder("tatoeba_text")
    for name in ("text", "words", "vocab", "ids"):
        (tmp_path / name).mkdir()
    documents = []
    for language in LANGUAGES:
        lines = (raw / f"{language}.txt").read_text(encoding="utf-8").splitlines()
        documents += ["\n".join(lines[at : at + LENGTH]) for at in range(0, len(lines), LENGTH)]
    # what is held out for validation are the last documents
    random.Random(3).shuffle(documents)
    (tmp_path / "text/all.txt").write_text("\n\n".join(documents) + "\n", encoding="utf-8")
    segment.files(tmp_path / "text", tmp_path / "words")
    vocab.build([tmp_path / "words"], tmp_path / "vocab", size=4000, recipe="sentencepiece")
    ids.files(tmp_path / "words", tmp_path / "vocab", tmp_path / "ids")
    settings = {
        "model_type": "ernie_m", "binary_head": False, "arch": "2L64H4", "max_steps": 60, "max_seq_len": 64,
        "micro_batch_size": 16, "global_batch_size": 16, "max_lr": 3e-3, "eval_freq": 60, "checkpoint_steps": 60,
    }  # fmt: skip
    scores = trainer.train(tmp_path / "ids", tmp_path / "run", vocab=tmp_path / "vocab", **settings)

    made = tmp_path / "run/model"
    shape, tokenizer = config.read(made), tokenizers.open(made)
    assert (shape.model_type, shape.vocab_size, shape.pad_token_id) == ("ernie_m", tokenizer.size, tokenizer.pad_id)
    assert tokenizer.pad_id == 1
    assert scores["valid_lm_loss"] < np.log(tokenizer.size) - 1.0

    net = ErnieForPretraining(shape, False)
    weights.load(net, made)
    net.eval()
    first, types = tokenizer.frame(tokenizer.encode("Good morning."), tokenizer.encode("早上好。"), 32)
    assert not any(types)
    assert np.isfinite(net.base(paddle.to_tensor([first]))[1].numpy()).all()
