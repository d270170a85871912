"""Names and shapes of the parameters of our nets, without Paddle: what a checkpoint is compared with."""

from ernie_core.model.config import ErnieConfig
from ernie_core.model.foreign.tensors import Shape

WORDS = "embeddings.word_embeddings.weight"
TYPES = "embeddings.token_type_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"
DECODER = "cls.predictions.decoder.weight"
DECODER_BIAS = "cls.predictions.decoder_bias"


def encoder(config: ErnieConfig) -> dict[str, Shape]:
    """The parameters of the encoder, without its prefix, in the order of the net."""
    size, inner = config.hidden_size, config.intermediate_size
    shapes: dict[str, Shape] = {WORDS: (config.vocab_size, size), POSITIONS: (config.max_position_embeddings, size)}
    if config.type_vocab_size:
        shapes[TYPES] = (config.type_vocab_size, size)
    if config.use_task_id:
        shapes["embeddings.task_type_embeddings.weight"] = (config.task_type_vocab_size, size)
    shapes |= _norm("embeddings.layer_norm", size)
    for number in range(config.num_hidden_layers):
        layer = f"encoder.layers.{number}."
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _linear(f"{layer}self_attn.{name}", size, size)
        shapes |= _linear(f"{layer}linear1", size, inner) | _linear(f"{layer}linear2", inner, size)
        shapes |= _norm(f"{layer}norm1", size) | _norm(f"{layer}norm2", size)
    return shapes | _linear("pooler.dense", size, size)


def masked_tokens(config: ErnieConfig) -> dict[str, Shape]:
    """The parameters of the head for masked tokens, but for its weight, which is the word embeddings."""
    size = config.hidden_size
    head = _linear("cls.predictions.transform", size, size) | _norm("cls.predictions.layer_norm", size)
    return head | {DECODER_BIAS: (config.vocab_size,)}


def order(config: ErnieConfig) -> dict[str, Shape]:
    """The parameters of the head for the order of two segments."""
    return _linear("cls.seq_relationship", config.hidden_size, 2)


def _linear(name: str, inputs: int, outputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (inputs, outputs), f"{name}.bias": (outputs,)}


def _norm(name: str, size: int) -> dict[str, Shape]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}
