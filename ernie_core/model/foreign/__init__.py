"""Models that others made: checkpoints of PaddleNLP, Hugging Face and static-graph Paddle, read and written.

Nothing of a checkpoint is ever executed, and no Paddle and no PyTorch is needed. There is a module for each form of
file (`safetensors`, `torch_zip`, `program`), one for names of tensors, one for shapes, one for files of tokenizers.
"""

from ernie_core.model.foreign.conversion import convert as convert
