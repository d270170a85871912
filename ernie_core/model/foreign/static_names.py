"""Names of parameters in static graphs -> ours.

A static graph numbers the parameters of a class of layers as they are made: `linear_0.w_0`, `linear_1.w_0`, ... The
order is that of PaddleNLP's nets; the numbers may begin anywhere, as other nets of the process are counted too.
"""

import re
from collections.abc import Mapping

from ernie_core.model.foreign.names import Named, Scheme
from ernie_core.model.foreign.tensors import Shape

_PARTS = (("scale", "weight"), ("bias", "bias"))
_ATTENTION = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}
_STATE = (
    r"@.*@|learning_rate_\d+|loss_scaling_\d+|num_(?:bad|good)_steps_\d+|.*_(?:moment[12]?|beta[12]_pow_acc|velocity)_\d+"
    r"|.*_fp32_master_\d+.*|cumsum\w*|create_parameter_\d+\.w_\d+"
)
"""Variables of an optimiser, and constants."""


def _fc(pattern: str, ours: str) -> list[tuple[str, str, bool]]:
    return [(rf"{pattern}\.w_0", f"{ours}.weight", False), (rf"{pattern}\.b_0", f"{ours}.bias", False)]


def _norm(pattern: str, ours: str) -> list[tuple[str, str, bool]]:
    return [(rf"{pattern}_layer_norm_{theirs}", f"{ours}.{part}", False) for theirs, part in _PARTS]


_LAYER = r"encoder_layer_(\d+)_"
WRITTEN = Scheme(
    "ERNIE's static graph",
    _LAYER + r"multi_head_att_query_fc\.w_0",
    (
        (r"word_embedding", "embeddings.word_embeddings.weight", False),
        (r"pos_embedding", "embeddings.position_embeddings.weight", False),
        (r"sent_embedding", "embeddings.token_type_embeddings.weight", False),
        (r"task_embedding", "embeddings.task_type_embeddings.weight", False),
        *_norm("pre_encoder", "embeddings.layer_norm"),
        *(
            rule
            for theirs, ours in _ATTENTION.items()
            for rule in _fc(_LAYER + f"multi_head_att_{theirs}_fc", rf"encoder.layers.\1.self_attn.{ours}")
        ),
        *_norm(_LAYER + "post_att", r"encoder.layers.\1.norm1"),
        *_fc(_LAYER + "ffn_fc_0", r"encoder.layers.\1.linear1"),
        *_fc(_LAYER + "ffn_fc_1", r"encoder.layers.\1.linear2"),
        *_norm(_LAYER + "post_ffn", r"encoder.layers.\1.norm2"),
        *_fc("pooled_fc", "pooler.dense"),
        *_fc("mask_lm_trans_fc", "cls.predictions.transform"),
        *_norm("mask_lm_trans", "cls.predictions.layer_norm"),
        (r"mask_lm_out_fc\.b_0", "cls.predictions.decoder_bias", False),
        *_fc("next_sent_fc", "cls.seq_relationship"),
    ),
)
"""Names that the code of ERNIE 1.0 and 2.0 writes out."""

_EMBEDDINGS = ("word", "position", "token_type", "task_type")
_LINEARS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "linear1", "linear2")


def is_state(name: str) -> bool:
    """Whether a variable is the state of an optimiser, or a constant."""
    return re.fullmatch(_STATE, name) is not None


def is_counted(names: Mapping[str, Shape]) -> bool:
    """Whether parameters are numbered."""
    return any(re.fullmatch(r"embedding_\d+\.w_0", name) for name in names) and any(
        re.fullmatch(r"linear_\d+\.w_0", name) for name in names
    )


def counted(shapes: Mapping[str, Shape]) -> tuple[dict[str, Named], list[str]]:
    """What numbered parameters are, by their order; and those of heads of tasks."""
    embeddings, norms, linears = (_numbered(shapes, kind) for kind in ("embedding", "layer_norm", "linear"))
    targets: dict[str, Named] = {}
    for number, name in zip(embeddings, _EMBEDDINGS, strict=False):
        targets[f"embedding_{number}.w_0"] = Named(f"embeddings.{name}_embeddings.weight")
    layers = max(0, len(norms) - 1) // 2
    names = ["embeddings.layer_norm"]
    names += [f"encoder.layers.{layer}.{norm}" for layer in range(layers) for norm in ("norm1", "norm2")]
    names += ["cls.predictions.layer_norm"] * (len(norms) > len(names))
    _both(targets, "layer_norm", norms, names)
    names = [f"encoder.layers.{layer}.{name}" for layer in range(layers) for name in _LINEARS] + ["pooler.dense"]
    _both(targets, "linear", linears, names)
    heads = [f"linear_{number}.{part}" for number in linears[len(names) :] for part in ("w_0", "b_0")]
    heads = [name for name in heads if name in shapes]
    words = shapes.get(f"embedding_{embeddings[0]}.w_0", (0, 0))
    if "cls.predictions.layer_norm.weight" not in {named.name for named in targets.values()}:
        return targets, heads
    # PaddleNLP makes weights for the decoder, then ties it to the words: in a graph the first ones are left, unused.
    unused = [name for name in heads if name.endswith(".w_0") and shapes[name] == words and words[0] != words[1]]
    _pretraining(targets, shapes, [name for name in heads if name not in unused], words[:1])
    return targets, unused


def _pretraining(targets: dict[str, Named], shapes: Mapping[str, Shape], heads: list[str], words: Shape) -> None:
    """The layers behind the pooler: the transformation, the bias of the decoder, the order."""
    names = iter(("cls.predictions.transform", "cls.seq_relationship"))
    for name in heads:
        if name.endswith(".w_0") and (ours := next(names, None)):
            targets[name], targets[f"{name[:-4]}.b_0"] = Named(f"{ours}.weight"), Named(f"{ours}.bias")
    # The decoder's bias is that of a linear layer, or of the head itself, whose number has the name of its class.
    for name, shape in shapes.items():
        if name not in targets and name.endswith(".b_0") and shape == words:
            targets[name] = Named("cls.predictions.decoder_bias")


def _numbered(shapes: Mapping[str, Shape], kind: str) -> list[int]:
    """The numbers of a class of layers, from the first made to the last."""
    return sorted({int(found[1]) for name in shapes if (found := re.fullmatch(rf"{kind}_(\d+)\.[wb]_0", name))})


def _both(targets: dict[str, Named], kind: str, numbers: list[int], names: list[str]) -> None:
    for number, name in zip(numbers, names, strict=False):
        targets[f"{kind}_{number}.w_0"] = Named(f"{name}.weight")
        targets[f"{kind}_{number}.b_0"] = Named(f"{name}.bias")
