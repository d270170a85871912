"""Queries with intents and slots as NLPCC 2018 publishes them, and a model to fine-tune on them, without Paddle."""

import json
import pickle
import random

import numpy as np

QUERIES = {
    "music.play": "来一首<song>{}</song>", "navigation.navigation": "到<destination>{}</destination>", "OTHERS": "{}",
}  # fmt: skip
NAMES = "花心晴天海阔空北京上机场你好谢再见山水火风"
SPECIALS = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]")
HIDDEN, INNER, POSITIONS = 16, 64, 32


def raw(dialogues: int = 120) -> dict[str, bytes]:
    """`corpus.train.txt`: a query a line, an empty line after each dialogue."""
    chance, lines = random.Random(11), []
    for number in range(dialogues):
        for _ in range(2):
            intent = chance.choice(list(QUERIES))
            # so many different ones that few dialogues have a query in common, which would keep them in one split
            text = QUERIES[intent].format("".join(chance.choices(NAMES, k=4)))
            plain = "".join(part.split(">")[-1] for part in text.split("<"))
            lines.append(f"{number}\t{plain}\t{intent}\t{text}\n")
        lines.append("\n")
    return {"corpus.train.txt": "".join(lines).encode()}


def model() -> dict[str, bytes]:
    """The files of a pretrained model of one layer with random weights."""
    characters = sorted({c for form in (*QUERIES.values(), NAMES) for c in form if "\u4e00" <= c <= "\u9fff"})
    vocab = (*SPECIALS, *characters)
    config = {
        "model_type": "ernie", "architectures": ["ErnieModel"], "vocab_size": len(vocab), "hidden_size": HIDDEN,
        "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
    }  # fmt: skip
    return {
        "model_state.pdparams": pickle.dumps(_weights(len(vocab)), protocol=4),
        "config.json": json.dumps(config).encode(),
        "vocab.txt": "".join(f"{token}\n" for token in vocab).encode(),
    }


def _weights(vocab: int) -> dict[str, np.ndarray]:
    shapes = {f"embeddings.{name}_embeddings.weight": (size, HIDDEN)
              for name, size in (("word", vocab), ("position", POSITIONS), ("token_type", 2))}  # fmt: skip
    layer = "encoder.layers.0."
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        shapes |= _dense(f"{layer}self_attn.{name}", HIDDEN, HIDDEN)
    shapes |= _dense(f"{layer}linear1", HIDDEN, INNER) | _dense(f"{layer}linear2", INNER, HIDDEN)
    shapes |= _dense("pooler.dense", HIDDEN, HIDDEN)
    norms = ("embeddings.layer_norm", f"{layer}norm1", f"{layer}norm2")
    chance = np.random.default_rng(7)
    arrays = {f"ernie.{name}": chance.normal(0, 0.02, shape).astype("float32") for name, shape in shapes.items()}
    for name in norms:
        arrays |= {
            f"ernie.{name}.weight": np.ones(HIDDEN, "float32"),
            f"ernie.{name}.bias": np.zeros(HIDDEN, "float32"),
        }
    return arrays


def _dense(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (inputs, outputs), f"{name}.bias": (outputs,)}
