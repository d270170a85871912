"""Checkpoints of static graphs: every form that Paddle saves, numbered names and names of ERNIE's first code."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import paddle
import pytest

from ernie_core import errors
from ernie_core.model import config as configs
from ernie_core.model import foreign, weights
from ernie_core.model.heads import ErnieForPretraining
from tests.support import foreign_models as made

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What PaddleNLP saved, in every form."""
    folder = tmp_path_factory.mktemp("peer")
    subprocess.run(
        [sys.executable, "-m", "tests.support.static_peer", folder], cwd=ROOT, check=True, capture_output=True
    )
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parity
@pytest.mark.parametrize("form", ["saved", "variables", "inference"])
def test_a_static_graph_of_paddlenlp_computes_here_what_it_computed_there(
    peer: Path, tmp_path: Path, form: str
) -> None:
    (peer / form / "vocab.txt").write_text("".join(f"{token}\n" for token in made.TOKENS))
    foreign.convert(peer / form, tmp_path)
    net = ErnieForPretraining(configs.read(tmp_path))
    assert weights.start_from(net, tmp_path) == ()
    net.eval()
    theirs = np.load(peer / "logits.npz")
    words, order = net(paddle.to_tensor(theirs["ids"]), paddle.to_tensor(theirs["types"]))
    tokens = theirs["ids"] != 0
    assert np.abs(words.numpy() - theirs["words"])[tokens].max() < 1e-5
    assert np.abs(order.numpy() - theirs["order"]).max() < 1e-5


FIRST = {
    "embeddings.word_embeddings.weight": "word_embedding", "embeddings.position_embeddings.weight": "pos_embedding",
    "embeddings.token_type_embeddings.weight": "sent_embedding", "embeddings.LayerNorm": "pre_encoder_layer_norm",
    "encoder.layer.": "encoder_layer_", ".attention.self.query": "_multi_head_att_query_fc",
    ".attention.self.key": "_multi_head_att_key_fc", ".attention.self.value": "_multi_head_att_value_fc",
    ".attention.output.dense": "_multi_head_att_output_fc", ".attention.output.LayerNorm": "_post_att_layer_norm",
    ".intermediate.dense": "_ffn_fc_0", ".output.dense": "_ffn_fc_1", ".output.LayerNorm": "_post_ffn_layer_norm",
    "pooler.dense": "pooled_fc", "cls.predictions.transform.dense": "mask_lm_trans_fc",
    "cls.predictions.transform.LayerNorm": "mask_lm_trans_layer_norm", "cls.predictions.bias": "mask_lm_out_fc.b_0",
    "cls.seq_relationship": "next_sent_fc", "norm.weight": "norm_scale", "norm.bias": "norm_bias",
    ".weight": ".w_0", ".bias": ".b_0",
}  # fmt: skip
"""Parts of names of Hugging Face -> those of ERNIE's first code, in the order of replacement."""


def first_code(folder: Path, arrays: made.Arrays) -> Path:
    """A folder as ERNIE 1.0 was published: a file for every variable in `params`, an optimiser's among them."""
    (folder / "params").mkdir(parents=True)
    for name, array in arrays.items():
        theirs = name.removeprefix("bert.")
        for part, other in FIRST.items():
            theirs = theirs.replace(part, other)
        linear = array.ndim == 2 and theirs.endswith(".w_0")
        (folder / "params" / theirs).write_bytes(made.variable(array.T if linear else array))
    (folder / "params" / "word_embedding_moment1_0").write_bytes(made.variable(np.ones(3, np.float32)))
    (folder / "ernie_config.json").write_text(json.dumps({k: v for k, v in made.CONFIG.items() if k != "model_type"}))
    (folder / "vocab.txt").write_text("".join(f"{token}\t{number}\n" for number, token in enumerate(made.TOKENS)))
    return folder


def test_names_of_ernies_first_code_are_read(tmp_path: Path) -> None:
    arrays = made.bert(made.CONFIG)
    one, two = tmp_path / "one", tmp_path / "two"
    for out, folder in (
        (one, first_code(tmp_path / "first", arrays)),
        (two, made.folder(tmp_path / "hf", made.CONFIG, arrays)),
    ):
        out.mkdir()
        foreign.convert(folder, out)
    assert (one / weights.FILE).read_bytes() == (two / weights.FILE).read_bytes()
    assert (one / "vocab.txt").read_bytes() == (two / "vocab.txt").read_bytes()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-1], "are left: truncated"),
        (lambda data: data + b"x", "has 1 bytes after its 1 variables"),
        (lambda data: data[:16] + b"\xff\xff\xff\x7f" + data[20:], "is damaged: a description of"),
        (lambda data: bytes(8) + b"\xff" + data[9:], "is damaged"),
    ],
    ids=["truncated", "longer", "description", "levels"],
)
def test_a_damaged_variable_is_refused(tmp_path: Path, damage: object, words: str) -> None:
    folder = first_code(tmp_path / "first", made.bert(made.CONFIG))
    path = folder / "params" / "pooled_fc.b_0"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    (tmp_path / "out").mkdir()
    with pytest.raises(errors.BadInput, match=words):
        foreign.convert(folder, tmp_path / "out")


def test_weights_without_a_config_say_what_to_bring(tmp_path: Path) -> None:
    folder = first_code(tmp_path / "first", made.bert(made.CONFIG))
    (folder / "ernie_config.json").unlink()
    with pytest.raises(errors.NotFound, match="bring the config that was published with the weights"):
        foreign.convert(folder, tmp_path)
