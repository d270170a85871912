"""Names of tensors in checkpoints of others -> our names, which are PaddleNLP's without the prefix of the encoder."""

import re
from dataclasses import dataclass

_LAYER = r"encoder\.layer\.(\d+)\."
_HEAD = r"cls\.predictions\."
_LINEAR = (("weight", True), ("bias", False))


@dataclass(frozen=True)
class Named:
    """What a tensor of a checkpoint is here. Linear weights of PyTorch are [out, in], those of Paddle [in, out]."""

    name: str
    transposed: bool = False


@dataclass(frozen=True)
class Scheme:
    """How one kind of checkpoint names its tensors."""

    title: str
    mark: str
    """Pattern of a name, without prefix, that only this kind has."""
    rules: tuple[tuple[str, str, bool], ...] = ()
    """Pattern, our name, and whether the tensor is transposed; without rules the names are ours."""

    def named(self, name: str) -> Named | None:
        """What a tensor is, by its name without prefix. None for a name that this kind does not have."""
        if not self.rules:
            return Named(_OLD.get(name, name))
        for pattern, ours, transposed in self.rules:
            if match := re.fullmatch(pattern, name):
                return Named(match.expand(ours), transposed)
        return None


def _linear(pattern: str, ours: str) -> list[tuple[str, str, bool]]:
    return [(rf"{pattern}\.{part}", f"{ours}.{part}", turned) for part, turned in _LINEAR]


def _norm(pattern: str, ours: str) -> list[tuple[str, str, bool]]:
    """A layer norm; before 2019 its parameters were called gamma and beta."""
    return [(rf"{pattern}\.(?:weight|gamma)", f"{ours}.weight", False),
            (rf"{pattern}\.(?:bias|beta)", f"{ours}.bias", False)]  # fmt: skip


_ENCODER = (
    (r"embeddings\.(word|position|token_type|task_type)_embeddings\.weight", r"embeddings.\1_embeddings.weight", False),
    *_norm(r"embeddings\.LayerNorm", "embeddings.layer_norm"),
    *_linear(_LAYER + r"attention\.self\.query", r"encoder.layers.\1.self_attn.q_proj"),
    *_linear(_LAYER + r"attention\.self\.key", r"encoder.layers.\1.self_attn.k_proj"),
    *_linear(_LAYER + r"attention\.self\.value", r"encoder.layers.\1.self_attn.v_proj"),
    *_linear(_LAYER + r"attention\.output\.dense", r"encoder.layers.\1.self_attn.out_proj"),
    *_norm(_LAYER + r"attention\.output\.LayerNorm", r"encoder.layers.\1.norm1"),
    *_linear(_LAYER + r"intermediate\.dense", r"encoder.layers.\1.linear1"),
    *_linear(_LAYER + r"output\.dense", r"encoder.layers.\1.linear2"),
    *_norm(_LAYER + r"output\.LayerNorm", r"encoder.layers.\1.norm2"),
    *_linear(r"pooler\.dense", "pooler.dense"),
)

BERT = Scheme(
    "Hugging Face",
    r"encoder\.layer\.\d+\.attention\.self\.query\.weight",
    (
        *_ENCODER,
        *_linear(_HEAD + r"transform\.dense", "cls.predictions.transform"),
        *_norm(_HEAD + r"transform\.LayerNorm", "cls.predictions.layer_norm"),
        (_HEAD + r"(?:decoder\.)?bias", "cls.predictions.decoder_bias", False),
        (_HEAD + r"decoder\.weight", "cls.predictions.decoder.weight", False),
        *_linear(r"cls\.seq_relationship", "cls.seq_relationship"),
        # XLM-R has the same head under other names
        *_linear(r"lm_head\.dense", "cls.predictions.transform"),
        *_norm(r"lm_head\.layer_norm", "cls.predictions.layer_norm"),
        (r"lm_head\.(?:decoder\.)?bias", "cls.predictions.decoder_bias", False),
        (r"lm_head\.decoder\.weight", "cls.predictions.decoder.weight", False),
    ),
)

_M_LAYER = r"encoder\.layers\.(\d+)\."
ERNIE_M = Scheme(
    "Hugging Face ERNIE-M",
    r"encoder\.layers\.\d+\.self_attn\.self_attn\.q_proj\.weight",
    (
        (r"embeddings\.(word|position)_embeddings\.weight", r"embeddings.\1_embeddings.weight", False),
        *_norm(r"embeddings\.layer_norm", "embeddings.layer_norm"),
        *_linear(_M_LAYER + r"self_attn\.self_attn\.([qkv])_proj", r"encoder.layers.\1.self_attn.\2_proj"),
        *_linear(_M_LAYER + r"self_attn\.out_proj", r"encoder.layers.\1.self_attn.out_proj"),
        *_linear(_M_LAYER + r"linear([12])", r"encoder.layers.\1.linear\2"),
        *_norm(_M_LAYER + r"norm([12])", r"encoder.layers.\1.norm\2"),
        *_linear(r"pooler\.dense", "pooler.dense"),
    ),
)

PADDLENLP = Scheme("PaddleNLP", r"encoder\.layers\.\d+\.self_attn\.q_proj\.weight")
_OLD = {
    "cls.predictions.decoder_weight": "cls.predictions.decoder.weight",
    "cls.predictions.decoder.bias": "cls.predictions.decoder_bias",
}
"""Names of one parameter of PaddleNLP that stands under two, or was renamed."""

PREFIXES = ("ernie.", "ernie_m.", "bert.", "roberta.")
"""Prefixes of the encoder, unless it was saved alone."""

_HEADS = r"classifier\.|qa_outputs\.|linear_(?:start|end|q|k)\.|(?:intent|slot)_classifier\.|next_sent_3cls_fc\."
_BUFFERS = r"(?:embeddings\.)?(?:position_ids|token_type_ids)"


def bare(name: str) -> str:
    """A name without the prefix of the encoder."""
    prefix = next((prefix for prefix in PREFIXES if name.startswith(prefix)), "")
    return name[len(prefix) :]


def of_a_task(name: str) -> bool:
    """Whether a tensor belongs to the head of a task, which a pretrained model leaves out."""
    return re.match(_HEADS, name) is not None


def is_buffer(name: str) -> bool:
    """Whether a tensor is no parameter, but a table that PyTorch saves beside them."""
    return re.fullmatch(_BUFFERS, bare(name)) is not None
