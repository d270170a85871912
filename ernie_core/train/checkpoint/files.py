"""One rank's part of a checkpoint: captured in the training, then copied, then as files in the store."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.model.arrays import Arrays, dump_arrays
from ernie_core.store import File, gathering
from ernie_core.store.gathering import Gathering
from ernie_core.text import tokenizer as tokenizers
from ernie_core.train.checkpoint.copies import Captured, Copies

_PIECE = 1 << 18
"""Number of elements that are checked at a time: they fit in the processor's cache."""

Files = tuple[File, ...]


@dataclass(frozen=True)
class Sources:
    """What one rank copies: captured values, which may not change until then, by the files that they go into."""

    captured: dict[str, Captured]
    parts: dict[str, list[str]]
    texts: dict[str, bytes]
    vocab: Path
    settled: dict[str, Arrays] = field(default_factory=dict)
    """Arrays that never change, by file: they need no copy."""

    def copy(self, memory: Copies) -> "RankFiles":
        """The files with the values as they are now."""
        copied = memory.take(self.captured)
        arrays = {file: {name: copied[name] for name in names} for file, names in self.parts.items()}
        return RankFiles(arrays | self.settled, self.texts, self.vocab)


@dataclass(frozen=True)
class RankFiles:
    """What one rank writes: arrays and texts by the names of their files, and the folder of the tokenizer."""

    arrays: dict[str, Arrays]
    texts: dict[str, bytes]
    vocab: Path

    def check(self, step: int, committed: int) -> None:
        """BadInput if a value is not finite: a finite loss can still have infinite gradients."""
        for arrays in self.arrays.values():
            for name, array in arrays.items():
                flat = array.reshape(-1)
                if not all(np.isfinite(flat[k : k + _PIECE]).all() for k in range(0, flat.size, _PIECE)):
                    kept = f"the last checkpoint is of step {committed}" if committed else "there is no checkpoint"
                    raise BadInput(
                        f"step {step}: {name} is no longer finite; nothing is saved after it, {kept};"
                        " lower the learning rate, raise its warm-up, or set grad_clip"
                    )

    def write(self, part: Gathering) -> Files:
        """Write and report everything, config.yml last; a failed attempt removes its files."""
        files = []
        try:
            for name, arrays in self.arrays.items():
                with gathering.create(part, name) as draft:
                    dump_arrays(arrays, draft)
                files.append(draft.file)
            for name, text in self._small().items():
                with gathering.create(part, name) as draft:
                    draft.write(text)
                files.append(draft.file)
            gathering.report(part, files)
        except BaseException:
            gathering.abandon(part, [*self.arrays, *self._small()])
            raise
        return tuple(files)

    def _small(self) -> dict[str, bytes]:
        """The texts and the tokenizer's files, which are read only now: they may be on a slow file system."""
        if not self.texts:
            return {}
        return {path.name: path.read_bytes() for path in tokenizers.present(self.vocab)} | self.texts
