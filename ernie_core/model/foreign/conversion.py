"""A checkpoint of others -> a pretrained model of ours, tensor by tensor."""

import os
from pathlib import Path

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.model import arrays
from ernie_core.model import config as configs
from ernie_core.model.foreign import expected, forms, resolving, shape, tokenizer_files
from ernie_core.model.foreign.shape import Foreign
from ernie_core.model.foreign.tensors import Shape, Tensors
from ernie_core.text.tokenizer import PIECES
from ernie_core.wording import listed, shorten

_SHOWN = 8


def convert(source: Path, out: Path) -> dict[str, float]:
    """Read the checkpoint in `source`, whatever its form, and fill `out` with the files of kind `Model`.

    Returns figures: `parameters`, `layers`, `hidden_size`, `heads`, `positions`, `vocab_size`, `tokens` (of the
    vocabulary), `left_out` (tensors of heads of tasks), `drawn` (tensors of a pooler that a checkpoint of masked tokens
    lacks: they are drawn, always the same). NotFound and BadInput in one message; nothing of a file is run.
    """
    tensors = forms.opened(source)
    foreign = shape.read(source, pieces=(source / PIECES).is_file())
    plan = Plan(tensors, foreign)
    tokens = tokenizer_files.convert(source, out)
    if tokens > foreign.config.vocab_size:
        raise BadInput(f"{source}: its vocabulary has {tokens:,} tokens, its weights {foreign.config.vocab_size:,}: "
                       "these files are of different models")  # fmt: skip
    parameters = plan.write(out / arrays.FILE)
    configs.write(foreign.config, out, plan.architecture)
    config = foreign.config
    return {
        "parameters": parameters, "layers": config.num_hidden_layers, "hidden_size": config.hidden_size,
        "heads": config.num_attention_heads, "positions": config.max_position_embeddings,
        "vocab_size": config.vocab_size, "tokens": tokens, "left_out": plan.left_out,
        "drawn": len(plan.drawn),
    }  # fmt: skip


class Plan:
    """Which tensor of a checkpoint becomes which parameter. BadInput if the two do not fit, before any is read."""

    def __init__(self, tensors: Tensors, foreign: Foreign) -> None:
        self.tensors, self.foreign = tensors, foreign
        resolved = resolving.resolve(tensors.shapes)
        if resolved is None:
            raise BadInput(f"{tensors.path}: has no parameter of an ERNIE or BERT model, but "
                           f"{listed(tensors.shapes, 3) or 'nothing'}: give the folder of such a model")  # fmt: skip
        self.left_out, self._sources = len(resolved.heads), resolved.sources
        self._wanted = self._parameters()
        pooler = {name: shape for name, shape in self._wanted.items() if name.startswith("pooler.")}
        self.drawn = {} if pooler.keys() & self._sources.keys() else pooler
        self._refuse(resolved.unknown)

    @property
    def architecture(self) -> str:
        """The class of PaddleNLP that has these parameters."""
        family = self.foreign.config.family
        if expected.DECODER_BIAS not in self._wanted:
            return f"{family}Model"
        return f"{family}For" + ("Pretraining" if "cls.seq_relationship.weight" in self._wanted else "MaskedLM")

    def write(self, path: Path) -> int:
        """Write the parameters; their number. The file appears when it is complete."""
        draft = path.with_name(f"{path.name}.part")
        try:
            with draft.open("wb") as f:
                count = self._write(arrays.Writer(f))
                f.flush()
                os.fsync(f.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return count

    def _write(self, writer: arrays.Writer) -> int:
        prefix, count = f"{self.foreign.config.encoder}.", 0
        for name in self._wanted:
            array = self._made(name)
            full = name if name.startswith("cls.") else prefix + name
            writer.add(full, array)
            count += array.size
            if name == expected.DECODER_BIAS:
                writer.again(expected.DECODER, prefix + expected.WORDS)
                writer.again("cls.predictions.decoder.bias", full)
        writer.end()
        return count

    def _parameters(self) -> dict[str, Shape]:
        """The parameters that our net has; heads of pretraining as far as the checkpoint has them."""
        config = self.foreign.config
        wanted = expected.encoder(config)
        for head in (expected.masked_tokens(config), expected.order(config)):
            if head.keys() & self._sources.keys():
                wanted |= head
        return wanted

    def _refuse(self, unknown: list[str]) -> None:
        """BadInput with the first differences between the checkpoint and what its config says."""
        config, shapes = self.foreign.config, self.tensors.shapes
        faults = [f"unexpected: {shorten(name)} {list(shapes[name])}" for name in sorted(unknown)]
        wanted = {name: shape for name, shape in self._wanted.items() if name not in self.drawn}
        rows = config.max_position_embeddings - self.foreign.shift
        wanted[expected.POSITIONS] = (rows, config.hidden_size)
        if self.foreign.folded:
            wanted[expected.TYPES] = (self.foreign.folded, config.hidden_size)
        if expected.DECODER_BIAS in wanted and expected.DECODER in self._sources:
            wanted[expected.DECODER] = wanted[expected.WORDS]
        faults += [f"missing: {name} {list(wanted[name])}" for name in sorted(wanted.keys() - self._sources.keys())]
        for name, sources in self._sources.items():
            for source, named in sources:
                found = shapes[source][::-1] if named.transposed else shapes[source]
                if name not in wanted:
                    faults.append(f"unexpected: {shorten(source)} {list(shapes[source])}")
                elif found != wanted[name]:
                    said = wanted[name][::-1] if named.transposed else wanted[name]
                    faults.append(f"shape: {shorten(source)} is {list(shapes[source])}, the config says {list(said)}")
        if faults:
            more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
            text = "; ".join([*faults[:_SHOWN], *more])
            raise BadInput(f"{self.tensors.path} does not fit its config: {text}: the files are of different models, "
                           "or incomplete, fetch them again")  # fmt: skip

    def _made(self, name: str) -> np.ndarray:
        """One parameter of our net. BadInput if the checkpoint has two different ones for it."""
        if name in self.drawn:
            return self._draw(name)
        array = self._read(name)
        if name == expected.POSITIONS and self.foreign.folded:
            array = array + self._read(expected.TYPES)[0]
        if name == expected.POSITIONS and self.foreign.shift:
            array = np.concatenate([np.zeros((self.foreign.shift, array.shape[1]), np.float32), array])
        tied = name == expected.WORDS and expected.DECODER in self._sources
        if tied and not np.array_equal(array, self._read(expected.DECODER)):
            raise BadInput(f"{self.tensors.path}: the decoder of its masked tokens has weights of its own, those of "
                           "our nets are the word embeddings: remove the head to use the encoder alone")  # fmt: skip
        return array

    def _draw(self, name: str) -> np.ndarray:
        """A new parameter, as nets begin with them; the same numbers for every checkpoint of this shape."""
        shape, spread = self.drawn[name], self.foreign.config.initializer_range
        if len(shape) == 1:
            return np.zeros(shape, np.float32)
        return np.random.default_rng(0).normal(0, spread, shape).astype(np.float32)

    def _read(self, name: str) -> np.ndarray:
        (source, named), *others = self._sources[name]
        array = self.tensors.read(source)
        for other, _ in others:
            if not np.array_equal(array, self.tensors.read(other)):
                raise BadInput(f"{self.tensors.path}: `{shorten(source)}` and `{shorten(other)}` are one parameter "
                               "with two different values: save the model again")  # fmt: skip
        return np.ascontiguousarray(array.T) if named.transposed else array
