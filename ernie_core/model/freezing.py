"""Freezing: parts of a model that keep their weights while the rest is trained."""

import paddle

from ernie_core.errors import BadInput


def freeze(net: paddle.nn.Layer, *, embeddings: bool, layers: int) -> list[str]:
    """Freeze the embeddings and the lowest layers of the encoder; returns the names of the frozen parameters.

    They get no gradient, so that an optimiser neither moves nor decays them. BadInput for more layers than there are.
    """
    count = net.config.num_hidden_layers
    if layers > count:
        raise BadInput(f"freeze_layers {layers} is more than the {count} layers of the model: lower it")
    frozen = []
    for name, parameter in net.named_parameters():
        parts = name.split(".")
        layer = int(parts[parts.index("layers") + 1]) if "layers" in parts else count
        if layer < layers or (embeddings and "embeddings" in parts):
            parameter.stop_gradient = True
            frozen.append(name)
    return frozen
