"""The encoder of ERNIE and ERNIE-M on paddle.nn: few operations per layer, PaddleNLP's parameter names."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import paddle
import paddle.nn.functional as F
from paddle import nn

from ernie_core.model import fused
from ernie_core.model.config import ErnieConfig

MASKED = -1e4
"""Term added to the attention score of a padded position, as in the released models."""
_blank: ContextVar[bool] = ContextVar("blank", default=False)


@contextmanager
def blank() -> Iterator[None]:
    """Encoders that are built inside begin with zeros, for weights that are loaded next: to draw random ones takes
    longer than to load them."""
    before = _blank.set(True)
    try:
        yield
    finally:
        _blank.reset(before)


class ErnieModel(nn.Layer):
    """Token ids [B, L] -> hidden states [B, L, H] and the pooled first position [B, H]."""

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__()
        self.config = config
        begun = replace(config, initializer_range=0.0) if _blank.get() else config
        self.embeddings = Embeddings(begun)
        self.encoder = Encoder(begun)
        self.pooler = Pooler(begun)

    def forward(
        self,
        input_ids: paddle.Tensor,
        token_type_ids: paddle.Tensor | None = None,
        attention_mask: paddle.Tensor | None = None,
        position_ids: paddle.Tensor | None = None,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """`attention_mask`: 1 for tokens, 0 for padding [B, L], or a term for the scores; absent: from the ids."""
        key = fused.draw() if self._drops() and fused.usable(self, input_ids) else 0
        hidden = self.encoder(
            self.embeddings(input_ids, token_type_ids, position_ids, key),
            score_term(input_ids, attention_mask, self.config.pad_token_id),
            key,
        )
        return hidden, self.pooler(hidden)

    def _drops(self) -> bool:
        return max(self.config.hidden_dropout_prob, self.config.attention_probs_dropout_prob) > 0


class Embeddings(nn.Layer):
    """Words + positions (+ types) (+ task), normalised.

    The first position of an ERNIE-M is row 2 of its table. The word of its padding is one like the others, as in
    PaddleNLP; no token attends to it.
    """

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__()
        size = config.hidden_size
        unlearned = None if config.model_type == "ernie_m" else config.pad_token_id
        self.word_embeddings = nn.Embedding(config.vocab_size, size, padding_idx=unlearned, weight_attr=initial(config))
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size, weight_attr=initial(config))
        if config.type_vocab_size:
            self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size, weight_attr=initial(config))
        if config.use_task_id:
            self.task_type_embeddings = nn.Embedding(config.task_type_vocab_size, size, weight_attr=initial(config))
        self.layer_norm = nn.LayerNorm(size, epsilon=config.layer_norm_eps)
        self.config = config

    def forward(
        self,
        input_ids: paddle.Tensor,
        token_type_ids: paddle.Tensor | None,
        position_ids: paddle.Tensor | None,
        key: int = 0,
    ) -> paddle.Tensor:
        total = self.word_embeddings(input_ids) + self._positions(input_ids, position_ids)
        if self.config.type_vocab_size:
            types = self.token_type_embeddings
            total = total + (types.weight[0] if token_type_ids is None else types(token_type_ids))
        if self.config.use_task_id:
            total = total + self.task_type_embeddings.weight[self.config.task_id]
        rate = self.config.hidden_dropout_prob
        if fused.usable(self, total):
            nothing = paddle.zeros([self.config.hidden_size])
            return fused.dropout(fused.norm(total, nothing, paddle.zeros_like(total), self.layer_norm), rate, key)
        return F.dropout(self.layer_norm(total), rate, training=self.training)

    def _positions(self, input_ids: paddle.Tensor, position_ids: paddle.Tensor | None) -> paddle.Tensor:
        first = self.config.offset
        if position_ids is not None:
            return self.position_embeddings(position_ids + first if first else position_ids)
        if paddle.in_dynamic_mode():
            return self.position_embeddings.weight[first : first + input_ids.shape[1]]
        # An exported graph does not know the length: count the positions with operators that every exporter has.
        ones = paddle.ones_like(input_ids)
        counted = paddle.cumsum(ones, axis=1)
        return self.position_embeddings(counted + (first - 1) if first else counted - ones)


class Encoder(nn.Layer):
    """The stack of layers."""

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__()
        self.layers = nn.LayerList([EncoderLayer(config) for _ in range(config.num_hidden_layers)])
        self.recompute = False
        """Whether training keeps the inputs of the layers only, and recomputes the rest in the backward pass."""

    def forward(self, hidden: paddle.Tensor, term: paddle.Tensor, key: int = 0) -> paddle.Tensor:
        """`key` decides the dropout masks of the layers that use fused operations."""
        for number, layer in enumerate(self.layers):
            own = fused.key_of(key, number)
            # Paddle computes no gradient of a recomputed layer if its input has none, above frozen layers for example
            again = self.recompute and self.training and not hidden.stop_gradient
            hidden = _twice(layer, hidden, term, own) if again else layer(hidden, term, own)
        return hidden


class EncoderLayer(nn.Layer):
    """Attention and feed-forward, each followed by dropout, the residual and the norm."""

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__()
        self.self_attn = SelfAttention(config)
        self.linear1 = linear(config, config.hidden_size, config.intermediate_size)
        self.linear2 = linear(config, config.intermediate_size, config.hidden_size)
        self.norm1 = nn.LayerNorm(config.hidden_size, epsilon=config.layer_norm_eps)
        self.norm2 = nn.LayerNorm(config.hidden_size, epsilon=config.layer_norm_eps)
        self.dropout = config.hidden_dropout_prob
        self.act = config.hidden_act
        self.activation = getattr(F, config.hidden_act)

    def forward(self, hidden: paddle.Tensor, term: paddle.Tensor, key: int = 0) -> paddle.Tensor:
        if fused.usable(self, hidden) and term.shape == [hidden.shape[0], 1, 1, hidden.shape[1]]:
            return self._fused(hidden, term, key)
        attended = F.dropout(self.self_attn(hidden, term), self.dropout, training=self.training)
        hidden = self.norm1(hidden + attended)
        inner = self.linear2(self.activation(self.linear1(hidden)))
        return self.norm2(hidden + F.dropout(inner, self.dropout, training=self.training))

    def _fused(self, hidden: paddle.Tensor, term: paddle.Tensor, key: int) -> paddle.Tensor:
        """The same in fewer passes over memory: biases, dropout, residuals and norms are one operation each."""
        attended = self.self_attn.fused(hidden, term, fused.key_of(key, 0))
        bias = self.self_attn.out_proj.bias
        hidden = fused.norm(attended, bias, hidden, self.norm1, self.dropout, fused.key_of(key, 1))
        inner = fused.activate(paddle.matmul(hidden, self.linear1.weight), self.linear1.bias, self.act)
        inner = paddle.matmul(inner, self.linear2.weight)
        return fused.norm(inner, self.linear2.bias, hidden, self.norm2, self.dropout, fused.key_of(key, 2))


class SelfAttention(nn.Layer):
    """Scaled dot products over all heads at once."""

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.q_proj, self.k_proj = linear(config, size, size), linear(config, size, size)
        self.v_proj, self.out_proj = linear(config, size, size), linear(config, size, size)
        self.heads, self.width = config.num_attention_heads, size // config.num_attention_heads
        self.dropout = config.attention_probs_dropout_prob

    def forward(self, hidden: paddle.Tensor, term: paddle.Tensor) -> paddle.Tensor:
        query, key, value = (self._split(p(hidden)) for p in (self.q_proj, self.k_proj, self.v_proj))
        scores = paddle.matmul(query * self.width**-0.5, key, transpose_y=True) + term
        weights = F.dropout(F.softmax(scores), self.dropout, training=self.training)
        mixed = paddle.matmul(weights, value).transpose([0, 2, 1, 3])
        return self.out_proj(mixed.reshape([0, 0, self.heads * self.width]))

    def fused(self, hidden: paddle.Tensor, term: paddle.Tensor, key: int) -> paddle.Tensor:
        """The same without the bias of out_proj, which the caller adds."""
        scales = (self.width**-0.5, 1.0, 1.0)
        query, keys, value = (
            fused.split(paddle.matmul(hidden, p.weight), p.bias, self.heads, scale)
            for p, scale in zip((self.q_proj, self.k_proj, self.v_proj), scales, strict=True)
        )
        weights = fused.weigh(paddle.matmul(query, keys, transpose_y=True), term, self.dropout, key)
        return paddle.matmul(fused.merge(paddle.matmul(weights, value)), self.out_proj.weight)

    def _split(self, x: paddle.Tensor) -> paddle.Tensor:
        return x.reshape([0, 0, self.heads, self.width]).transpose([0, 2, 1, 3])


class Pooler(nn.Layer):
    """The first position through a dense layer and tanh."""

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__()
        self.dense = linear(config, config.hidden_size, config.hidden_size)

    def forward(self, hidden: paddle.Tensor) -> paddle.Tensor:
        return paddle.tanh(self.dense(hidden[:, 0]))


def score_term(input_ids: paddle.Tensor, mask: paddle.Tensor | None, pad: int) -> paddle.Tensor:
    """The term added to the attention scores [B, 1, 1, L]: 0 for tokens, `MASKED` for padding."""
    if mask is None:
        return ((input_ids == pad).astype("float32") * MASKED).unsqueeze([1, 2])
    if mask.ndim == 2:
        return ((1.0 - mask.astype("float32")) * MASKED).unsqueeze([1, 2])
    return mask


def _twice(layer: nn.Layer, hidden: paddle.Tensor, term: paddle.Tensor, key: int) -> paddle.Tensor:
    from paddle.distributed.fleet.utils import recompute

    return recompute(layer, hidden, term, key)


def linear(config: ErnieConfig, inputs: int, outputs: int) -> nn.Linear:
    """A dense layer with ERNIE's initial weights."""
    return nn.Linear(inputs, outputs, weight_attr=initial(config))


def initial(config: ErnieConfig) -> paddle.ParamAttr:
    """The initialiser of weights; biases start at zero."""
    spread = config.initializer_range
    return paddle.ParamAttr(initializer=nn.initializer.Normal(0.0, spread) if spread else nn.initializer.Constant(0.0))
