"""FGM: a second pass in which the word embeddings are moved in the direction that raises the loss most.

Miyato et al., 2017, "Adversarial Training Methods for Semi-Supervised Text Classification". The perturbation is added
to what the embedding layer returns, which is the same as adding it to the table: the weights themselves, which other
processes may share, are never changed.
"""

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn


class Perturbation:
    """The perturbation of the word embeddings of one micro batch, by its own gradient.

    `listen` before the first pass, `turn` after its backward pass and before the second, `rest` after the second.
    """

    def __init__(self, words: nn.Embedding, epsilon: float) -> None:
        self.epsilon, self._width, self._pad = epsilon, words.weight.shape[1], words._padding_idx
        self._rows: paddle.Tensor | None = None
        """A row for every different id of the batch [U, H]: zeros that gather the gradient, then the perturbation."""
        words.register_forward_post_hook(self._add)

    def listen(self, ids: np.ndarray) -> None:
        """Gather the gradient of the embeddings of these ids, int64 of any shape."""
        different, places = np.unique(ids, return_inverse=True)
        self._places = paddle.to_tensor(places.astype(np.int64))
        pads = np.flatnonzero(different == self._pad)
        self._padding = int(pads[0]) if len(pads) else None
        self._rows = paddle.zeros([len(different), self._width], "float32")
        self._rows.stop_gradient = False

    def turn(self) -> None:
        """From the gradient g to the perturbation epsilon g / |g|, with the norm over all ids; none for no gradient."""
        assert self._rows is not None
        with paddle.no_grad():
            gradient = self._rows.grad
            norm = float(paddle.sqrt((gradient * gradient).sum()))
            # A norm that is not finite makes the second pass so too, and with it the step: no fault is hidden.
            self._rows = gradient * (self.epsilon / norm) if norm else paddle.zeros_like(gradient)

    def rest(self) -> None:
        """Add nothing."""
        self._rows = None

    def _add(self, layer: nn.Layer, inputs: tuple[paddle.Tensor, ...], output: paddle.Tensor) -> paddle.Tensor:
        if self._rows is None:
            return output
        added = F.embedding(self._places.reshape(inputs[0].shape), self._rows, padding_idx=self._padding)
        return output + added.astype(output.dtype)
