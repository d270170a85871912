"""Checkpoints are written while training goes on: it stands still for one copy of the state in memory, no longer."""

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import paddle

from ernie_core.errors import BadInput, Error
from ernie_core.model import weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.model.weights import Arrays
from ernie_core.store import File, gathering
from ernie_core.store.gathering import Gathering
from ernie_core.train import checkpoint, optimiser, shares, snapshot
from ernie_core.train.checkpoint import Place, Say
from ernie_core.train.copies import Copies
from ernie_core.train.snapshot import Identity, Progressed
from ernie_core.train.team import Team

PATIENCE = 1800.0
"""Seconds that rank 0 waits for the shares of the others."""
PAUSE = 0.2
"""Seconds between two looks whether a share is there."""

_PIECE = 1 << 18
"""Numbers that are looked at together: as many as the processor's cache holds."""

Files = tuple[File, ...]


@dataclass
class _Save:
    """A checkpoint on its way into the store."""

    step: int
    permanent: bool
    token: str
    copied: float
    """Seconds that training stood still."""
    files: "Future[Files]" = field(default_factory=Future)
    """This rank's files, once they are in the store."""
    done: "Future[None]" = field(default_factory=Future)
    """Rank 0: committed, the pointer moved, the oldest removed. The others: as `files`."""
    handed: threading.Event = field(default_factory=threading.Event)
    everyone: list[Files | None] = field(default_factory=list)
    """The files of all ranks when they come over the network, before they are seen in the store."""


class Saver:
    """Saves the state of a training in the background. Every rank makes the same calls, in the same order.

    A save that fails is an error at the next `check`, `save` or `wait`, and a process that does not end by a signal
    ends only when its save has.
    """

    def __init__(self, place: Place, team: Team, say: Say) -> None:
        self.place, self.team, self.say = place, team, say
        self.committed = 0
        """The newest step that is committed, as far as this rank knows: rank 0 always does, the others after `wait`."""
        self._session: str = team.first(secrets.token_hex(16))
        self._saves = 0
        self._copies = Copies()
        self._reserving: threading.Thread | None = None
        self._mine: list[str] | None = None
        self._save: _Save | None = None

    def reserve(self, net: ErnieForPretraining) -> None:
        """Get the memory for the copies ready while training starts, so that the first save is as fast as the others.

        May be left out.
        """
        shapes = {name: tuple(p.shape) for name, p in net.named_parameters()}
        moments = {f"{name}.moment{k}": shape for name, shape in shapes.items() for k in (1, 2)}
        sizes = {name: 4 * int(np.prod(shape)) for name, shape in moments.items()}
        own = shares.assign([sizes] * self.team.world, self._before(sum(sizes.values()) // 2))[self.team.rank]
        wanted = (shapes if self.team.rank == 0 else {}) | {name: moments[name] for name in own}
        self._reserving = threading.Thread(target=self._copies.reserve, args=(wanted,), name="reserve")
        self._reserving.start()

    def save(
        self,
        step: int,
        net: ErnieForPretraining,
        adamw: paddle.optimizer.AdamW,
        at: Progressed,
        identity: Identity,
        vocab: Path,
        scaler_state: Mapping[str, float] | None = None,
        *,
        permanent: bool = False,
    ) -> None:
        """Copy the state and return; it is written, committed and pointed to in the background.

        A save that is still being written is waited for: there is memory for one.
        """
        self._settle(step)
        began = time.monotonic()
        first = self.team.rank == 0
        state = optimiser.tensors(adamw, net)
        model = net.state_dict() if first else {}
        mine = self._share(state, net)
        copied = self._copies.take(model | {name: state[name] for name in mine})
        name = snapshot.optimiser_file(self.team.rank, self.team.world)
        image = _Image({name: {key: copied[key] for key in mine}}, {}, vocab)
        if first:
            image.arrays[weights.FILE] = {key: copied[key] for key in model}
            image.texts.update(snapshot.texts(net, at, identity, scaler_state or {}))
        self._saves += 1
        token = hashlib.sha256(f"{self._session} {self._saves}".encode()).hexdigest()[:8]
        self._save = save = _Save(step, permanent, token, time.monotonic() - began)
        threading.Thread(target=self._run, args=(save, image), name=f"save {step}").start()

    def check(self) -> None:
        """Raise the error of a save that failed; called at every step, and costs nothing."""
        if self._save is not None and self._save.done.done():
            self._save.done.result()

    def wait(self) -> None:
        """Until everything is committed, or an error on every rank: at the end, on a stop, before what takes long."""
        if self._save is None:
            return
        save = self._save
        if self.team.world > 1:
            mine = None if save.files.exception() else save.files.result()
            # a file system that is far away may show the others' reports late, and a stop has no time for that
            save.everyone = self.team.gather(mine)  # type: ignore[assignment]
            save.handed.set()
            failed = save.done.exception()
            said = self.team.gather(None if failed is None else f"rank {self.team.rank}: {failed}")
            if failed is None and any(said):
                raise Error(f"step {save.step} was not saved: {'; '.join(str(text) for text in said if text)}")
        save.done.result()
        self.committed, self._save = save.step, None

    def _settle(self, step: int) -> None:
        """Until there is memory for a copy."""
        if self._reserving is not None:
            self._reserving.join()
            self._reserving = None
        if self._save is not None:
            if not self._save.done.done():
                self.say(f"step {step}: waiting for the checkpoint of step {self._save.step}, which is being written")
            self._save.done.result()

    def _share(self, state: Mapping[str, paddle.Tensor], net: ErnieForPretraining) -> list[str]:
        """What this rank writes of the optimiser's state, which all or one may hold; settled at the first save."""
        if self._mine is None:
            sizes = {name: 4 * int(np.prod(tensor.shape)) for name, tensor in state.items()}
            held = self.team.gather(sizes)
            before = self._before(sum(4 * int(np.prod(p.shape)) for p in net.parameters()))
            self._mine = shares.assign(held, before)[self.team.rank]  # type: ignore[arg-type]
        return self._mine

    def _before(self, size: int) -> list[int]:
        """The bytes that each rank writes anyway: the weights are one file."""
        return [size] + [0] * (self.team.world - 1)

    def _run(self, save: _Save, image: "_Image") -> None:
        """In the background."""
        began = time.monotonic()
        try:
            image.check(save.step, self.committed)
            address = self.place.of(f"model_{save.step}")
            part = gathering.begin(self.place.store, address, save.token, self.team.rank, self.place.scratch)
            save.files.set_result(image.write(part))
            if self.team.rank == 0:
                files = [file for share in self._collect(save, part) for file in share]
                checkpoint.commit(part, self.place, save.step, files, permanent=save.permanent)
                self.committed = save.step
                size, seconds = sum(file.size for file in files), time.monotonic() - began
                self.say(f"saved {address}: {size / 1e6:.1f} MB, {save.copied:.2f} s to copy, {seconds:.2f} s to write")
        except BaseException as error:
            if not save.files.done():
                save.files.set_exception(error)
            save.done.set_exception(error)
        else:
            save.done.set_result(None)

    def _collect(self, save: _Save, part: Gathering) -> list[Files]:
        """The files of all ranks, as soon as they have reported them."""
        until = time.monotonic() + PATIENCE
        found = [save.files.result()]
        for rank in range(1, self.team.world):
            while (files := gathering.reported(part, rank)) is None and not save.handed.wait(PAUSE):
                if not threading.main_thread().is_alive():
                    raise Error(f"step {save.step}: this process ended before rank {rank} had saved its share")
                if time.monotonic() > until:
                    raise Error(f"step {save.step}: rank {rank} has not saved its share within {PATIENCE:.0f} s")
            files = files or save.everyone[rank]
            if files is None:
                raise Error(f"step {save.step}: rank {rank} could not save its share, its log says why")
            found.append(files)
        return found


@dataclass(frozen=True)
class _Image:
    """What one rank writes: arrays and texts by the names of their files, and the tokenizer with them."""

    arrays: dict[str, Arrays]
    texts: dict[str, bytes]
    vocab: Path

    def check(self, step: int, committed: int) -> None:
        """Refuse what is no longer finite: a finite loss can still have infinite gradients."""
        for arrays in self.arrays.values():
            for name, array in arrays.items():
                flat = array.reshape(-1)
                if not all(np.isfinite(flat[k : k + _PIECE]).all() for k in range(0, flat.size, _PIECE)):
                    kept = f"the last checkpoint is of step {committed}" if committed else "there is no checkpoint"
                    raise BadInput(
                        f"step {step}: {name} is no longer finite; nothing is saved after it, {kept};"
                        " lower max_lr, or raise warmup_rate, or set grad_clip"
                    )

    def write(self, part: Gathering) -> Files:
        """Write and report everything, config.yml last; a failed attempt gives its room back."""
        files = []
        try:
            for name, arrays in self.arrays.items():
                with gathering.create(part, name) as draft:
                    weights.dump_arrays(arrays, draft)
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
        """The tokenizer's files are read here, for they may be far away."""
        if not self.texts:
            return {}
        paths = [self.vocab / name for name in snapshot.TOKENIZER]
        return {path.name: path.read_bytes() for path in paths if path.is_file()} | self.texts
