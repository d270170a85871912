"""Models with heads on the encoder: pretraining, and one for each task."""

from abc import abstractmethod

import paddle
import paddle.nn.functional as F
from paddle import nn

from ernie_core.model import fused
from ernie_core.model.config import ErnieConfig
from ernie_core.model.ernie import ErnieModel, initial, linear


def encoder(net: nn.Layer) -> ErnieModel:
    """The encoder of a net with a head, which has the name of the model's type."""
    found: ErnieModel = getattr(net, net.config.encoder)
    return found


class ErnieForPretraining(nn.Layer):
    """Masked tokens, and (with the order head) whether two segments were swapped."""

    def __init__(self, config: ErnieConfig, binary_head: bool = True) -> None:
        super().__init__()
        self.config = config
        setattr(self, config.encoder, ErnieModel(config))
        self.cls = PretrainingHeads(config, self.base.embeddings.word_embeddings.weight, binary_head)

    @property
    def base(self) -> ErnieModel:
        """The encoder."""
        return encoder(self)

    @property
    def architecture(self) -> str:
        """The class that opens these weights in PaddleNLP, which has none for ERNIE-M: its others open them."""
        return self.config.family + ("ForPretraining" if self.cls.binary_head else "ForMaskedLM")

    def forward(
        self,
        input_ids: paddle.Tensor,
        token_type_ids: paddle.Tensor | None = None,
        attention_mask: paddle.Tensor | None = None,
        masked_positions: paddle.Tensor | None = None,
    ) -> tuple[paddle.Tensor, paddle.Tensor | None]:
        """Logits over the vocabulary at `masked_positions` (row * L + column; or everywhere), logits of the order."""
        hidden, pooled = self.base(input_ids, token_type_ids, attention_mask)
        if masked_positions is not None:
            # Only the chosen rows are projected to the vocabulary: the most expensive operation of a small model.
            hidden = paddle.gather(hidden.reshape([-1, self.config.hidden_size]), masked_positions)
        return self.cls(hidden, pooled)


class PretrainingHeads(nn.Layer):
    """The head for masked tokens, and the order head if there is one."""

    def __init__(self, config: ErnieConfig, words: paddle.Tensor, binary_head: bool) -> None:
        super().__init__()
        self.binary_head = binary_head
        self.predictions = MaskedTokenHead(config, words)
        if binary_head:
            self.seq_relationship = linear(config, config.hidden_size, 2)

    def forward(self, hidden: paddle.Tensor, pooled: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor | None]:
        return self.predictions(hidden), self.seq_relationship(pooled) if self.binary_head else None


class MaskedTokenHead(nn.Layer):
    """Transform, then scores against the word embeddings."""

    def __init__(self, config: ErnieConfig, words: paddle.Tensor) -> None:
        super().__init__()
        self.transform = linear(config, config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, epsilon=config.layer_norm_eps)
        self.decoder = TiedDecoder(config, words)
        # PaddleNLP stores the bias under two names; both must be in the file.
        self.decoder_bias = self.decoder.bias
        self.activation = getattr(F, config.hidden_act)

    def forward(self, hidden: paddle.Tensor) -> paddle.Tensor:
        return self.decoder(self.layer_norm(self.activation(self.transform(hidden))))


class TiedDecoder(nn.Layer):
    """The word embeddings as a projection [H] -> [V], with a bias of its own."""

    def __init__(self, config: ErnieConfig, words: paddle.Tensor) -> None:
        super().__init__()
        self.weight = words
        self.bias = self.create_parameter([config.vocab_size], is_bias=True)

    def forward(self, hidden: paddle.Tensor) -> paddle.Tensor:
        scores = paddle.matmul(hidden, self.weight, transpose_y=True)
        if hidden.ndim == 2 and fused.usable(self, hidden):
            return fused.shift(scores, self.bias)
        return scores + self.bias


class TaskNet(nn.Layer):
    """The encoder with a dropout behind it; `head` makes the outputs of its two results."""

    kind: str
    """The name of its class in PaddleNLP behind `Ernie` or `ErnieM`."""

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__()
        self.config = config
        setattr(self, config.encoder, ErnieModel(config))
        dropout = config.classifier_dropout
        self.dropout = config.hidden_dropout_prob if dropout is None else dropout

    @property
    def base(self) -> ErnieModel:
        """The encoder."""
        return encoder(self)

    @property
    def architecture(self) -> str:
        """The class that opens these weights in PaddleNLP."""
        return self.config.family + self.kind

    def forward(
        self,
        input_ids: paddle.Tensor,
        token_type_ids: paddle.Tensor | None = None,
        attention_mask: paddle.Tensor | None = None,
    ) -> paddle.Tensor | tuple[paddle.Tensor, paddle.Tensor]:
        """The outputs of the task."""
        hidden, pooled = self.base(input_ids, token_type_ids, attention_mask)
        return self.head(hidden, pooled)

    @abstractmethod
    def head(self, hidden: paddle.Tensor, pooled: paddle.Tensor) -> paddle.Tensor | tuple[paddle.Tensor, paddle.Tensor]:
        """The outputs of the task, from the encoder's hidden states [B, L, H] and its pooled one [B, H]."""

    def drop(self, hidden: paddle.Tensor) -> paddle.Tensor:
        """Dropout in front of a classifier."""
        return F.dropout(hidden, self.dropout, training=self.training)


class ErnieForSequenceClassification(TaskNet):
    """One label for a text or a pair of texts: logits [B, num_labels]."""

    kind = "ForSequenceClassification"

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels, weight_attr=initial(config))

    def head(self, hidden: paddle.Tensor, pooled: paddle.Tensor) -> paddle.Tensor:
        return self.classifier(self.drop(pooled))


class ErnieForTokenClassification(TaskNet):
    """A tag for every token: logits [B, L, num_labels]."""

    kind = "ForTokenClassification"

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels, weight_attr=initial(config))

    def head(self, hidden: paddle.Tensor, pooled: paddle.Tensor) -> paddle.Tensor:
        return self.classifier(self.drop(hidden))


class ErnieForQuestionAnswering(TaskNet):
    """Where an answer begins and where it ends: two logits for every token, [B, L] each; without dropout."""

    kind = "ForQuestionAnswering"

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__(config)
        self.classifier = nn.Linear(config.hidden_size, 2, weight_attr=initial(config))

    def head(self, hidden: paddle.Tensor, pooled: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        logits = self.classifier(hidden)
        return logits[:, :, 0], logits[:, :, 1]


class ErnieForMultipleChoice(TaskNet):
    """One logit for every choice of a question, [B, 1], where each choice is a row of its own."""

    kind = "ForMultipleChoice"

    def __init__(self, config: ErnieConfig) -> None:
        super().__init__(config)
        self.classifier = nn.Linear(config.hidden_size, 1, weight_attr=initial(config))

    def head(self, hidden: paddle.Tensor, pooled: paddle.Tensor) -> paddle.Tensor:
        return self.classifier(self.drop(pooled))


class JointErnie(TaskNet):
    """An intent for a text and a tag of a slot for every token, under the names of the SLU example of ERNIE 3.0 Tiny:
    logits [B, intents] and [B, L, slots].

    Its initialisation is that of the example too: the biases of both classifiers are random.
    """

    @property
    def architecture(self) -> str:
        return f"Joint{self.config.family}"

    def __init__(self, config: ErnieConfig, intents: int, slots: int) -> None:
        super().__init__(config)
        self.intent_classifier, self.slot_classifier = (
            nn.Linear(
                config.hidden_size, count,
                weight_attr=nn.initializer.KaimingNormal(), bias_attr=nn.initializer.KaimingNormal(),
            )
            for count in (intents, slots)
        )  # fmt: skip

    def head(self, hidden: paddle.Tensor, pooled: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        pooled, hidden = self.drop(pooled), self.drop(hidden)
        return self.intent_classifier(pooled), self.slot_classifier(hidden)
