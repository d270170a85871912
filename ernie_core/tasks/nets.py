"""The net that a fine-tuning begins with."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import paddle

from ernie_core.errors import BadInput
from ernie_core.model import config as configs
from ernie_core.model import freezing, weights
from ernie_core.model.ernie import blank
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.task import Task
from ernie_core.text.tokenizer import Tokenizer

_DROPOUT = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
"""Settings that replace those of the pretrained model."""


def opened(model: Path, tokenizer: Tokenizer, learned: Task[Any, Any], settings: FinetuneRecipe) -> paddle.nn.Layer:
    """The pretrained encoder with a new head, whose weights follow from the seed. BadInput if lengths or vocabulary do
    not fit the model."""
    config = configs.read(model)
    if settings.max_seq_len > (limit := config.positions):
        raise BadInput(
            f"max_seq_len {settings.max_seq_len} is more than the {limit} positions of the model {model}: lower it"
        )
    if tokenizer.size > config.vocab_size:
        raise BadInput(f"{model}: vocab.txt has {tokenizer.size} tokens, the model was made for {config.vocab_size}")
    said = {name: getattr(settings, name) for name in _DROPOUT}
    paddle.seed(settings.seed)
    # The head of an ERNIE has the random weights that follow those of its encoder, as in models of earlier versions.
    with nullcontext() if config.model_type == "ernie" else blank():
        net = learned.net(replace(config, **{name: value for name, value in said.items() if value is not None}))
    net.base.encoder.recompute = settings.use_recompute
    weights.load(net, model, partial=f"{config.encoder}.")
    freezing.freeze(net, embeddings=settings.freeze_embeddings, layers=settings.freeze_layers)
    return net
