"""Checkpoints are copied and written while training goes on: only an update waits, until the copy is complete."""

import concurrent.futures
import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from ernie_core.errors import Error
from ernie_core.model import weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.patience import patiently
from ernie_core.store import gathering
from ernie_core.store.gathering import Gathering
from ernie_core.train.checkpoint import commit, copies, shares, snapshot
from ernie_core.train.checkpoint.commit import Place, Say
from ernie_core.train.checkpoint.copies import Copies, Values
from ernie_core.train.checkpoint.files import Files, Image, Sources
from ernie_core.train.checkpoint.snapshot import Identity, Progressed
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel.team import Team
from ernie_core.waiting import Wait

T = TypeVar("T")

LEAVING = 30.0
"""Seconds that the shares of others are waited for when this rank ends by an error: theirs may have ended, too."""
PAUSE = 0.2
"""Seconds between two looks whether a share is there."""
PATIENCE = 7200.0
"""Seconds that a save may take: the store may be away, and its disk full, before it is given up."""


@dataclass
class _Save:
    """A checkpoint on its way into the store."""

    step: int
    permanent: bool
    token: str
    copied: "Future[None]" = field(default_factory=Future)
    """The state may change again."""
    files: "Future[Files]" = field(default_factory=Future)
    """This rank's files, once they are in the store."""
    done: "Future[None]" = field(default_factory=Future)
    """Rank 0: committed, the pointer moved, the oldest removed. The others: as `files`."""
    trouble: str = ""
    """What it waits for: room on a disk, a store that is away."""
    handed: threading.Event = field(default_factory=threading.Event)
    everyone: list[Files | None] = field(default_factory=list)
    """The files of all ranks when they come over the network, before they are seen in the store."""


class Saver:
    """Saves the state of a training in the background. Every rank makes the same calls, in the same order.

    Whoever changes weights or moments calls `before_update` first. A save that fails is an error at the next `check`,
    `save` or `wait`, and a process that does not end by a signal ends only when its save has.
    """

    def __init__(self, place: Place, team: Team, say: Say, busy: Say = lambda _: None) -> None:
        self.place, self.team, self.say = place, team, say
        self.busy = busy
        """Is told what the training waits for, as long as it does."""
        self._direct = place.direct
        self.committed = 0
        """The newest step that is committed, as far as this rank knows: rank 0 always does, the others after `wait`."""
        self._session: str = team.first(secrets.token_hex(16))
        self.seconds = 0.0
        """The longest that a save took, from the look at the state to the commit."""
        self._saves, self._leaving = 0, False
        self._copies = Copies()
        self._mine: list[str] | None = None
        self._save: _Save | None = None

    def save(
        self,
        step: int,
        net: ErnieForPretraining,
        adamw: Optimiser,
        at: Progressed,
        identity: Identity,
        vocab: Path,
        scaler_state: Mapping[str, float] | None = None,
        *,
        permanent: bool = False,
    ) -> None:
        """Look at the state and return; it is copied, written, committed and pointed to in the background.

        What is saved is the state of this moment: weights and moments until `before_update` lets them change, and all
        else as it is now. A save that is still being written is waited for: there is memory for one.
        """
        self._settle(step)
        first = self.team.rank == 0
        state = adamw.tensors()
        model = net.state_dict() if first else {}
        mine = self._share(state, net)
        seen = copies.look(model | {name: state[name] for name in mine})
        parts = {snapshot.optimiser_file(self.team.rank, self.team.world): mine}
        texts = {}
        if first:
            parts[weights.FILE] = list(model)
            texts = snapshot.texts(net, at, identity, scaler_state or {})
        self._saves += 1
        token = hashlib.sha256(f"{self._session} {self._saves}".encode()).hexdigest()[:8]
        self._save = save = _Save(step, permanent, token)
        sources = Sources(seen, parts, texts, vocab)
        threading.Thread(target=self._run, args=(save, sources), name=f"save {step}").start()

    def before_update(self) -> float:
        """Return once no copy is being made of the state, which may change then; the seconds that this took.

        A copy that failed is an error here.
        """
        if self._save is None:
            return 0.0
        began = time.monotonic()
        self._until(self._save.copied, self._save)
        return time.monotonic() - began

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
            mine = None if self._ended(save.files, save).exception() else save.files.result()
            # a file system that is far away may show the others' reports late, and a stop has no time for that
            save.everyone = self.team.gather(mine)  # type: ignore[assignment]
            save.handed.set()
            failed = self._ended(save.done, save).exception()
            said = self.team.gather(None if failed is None else f"rank {self.team.rank}: {failed}")
            if failed is None and any(said):
                raise Error(f"step {save.step} was not saved: {'; '.join(str(text) for text in said if text)}")
        self._until(save.done, save)
        self.committed, self._save = save.step, None

    def close(self) -> None:
        """When a training ends by an error: let a save that is on its way come to its end, if it can, and be silent."""
        if self._save is not None:
            self._leaving = True
            with contextlib.suppress(Error):
                self._until(self._save.done, self._save)

    def _until(self, future: "Future[None]", save: _Save) -> None:
        """Until the saving thread has come so far, or its error."""
        self._ended(future, save).result()

    def _ended(self, future: "Future[T]", save: _Save) -> "Future[T]":
        """The future, once it has a result or an error; whoever waits says so, and for how long at most."""
        wait: Wait | None = None
        while not concurrent.futures.wait([future], 1.0).done:
            self.busy(save.trouble or f"saving step {save.step}")
            wait = wait or Wait(f"step {save.step} is being saved", PATIENCE, alone=None, tell=self.say)
            wait.more()
        return future

    def _settle(self, step: int) -> None:
        """Until there is memory for a copy."""
        if self._save is not None:
            if not self._save.done.done():
                self.say(f"step {step}: waiting for the checkpoint of step {self._save.step}, which is being written")
            self._until(self._save.done, self._save)
            # rank 0 alone waits for the commit: the others would be in the next step meanwhile, and give up on it
            self.team.barrier()

    def _share(self, state: Mapping[str, Values], net: ErnieForPretraining) -> list[str]:
        """What this rank writes of the optimiser's state, which all or one may hold; settled at the first save.

        Refused if all of them together do not hold the state of every parameter.
        """
        if self._mine is None:
            sizes = {name: 4 * int(np.prod(tensor.shape)) for name, tensor in state.items()}
            held: list[dict[str, int]] = self.team.gather(sizes)  # type: ignore[assignment]
            shares.check(held, net)
            before = self._before(sum(4 * int(np.prod(p.shape)) for p in net.parameters()))
            self._mine = shares.assign(held, before)[self.team.rank]
        return self._mine

    def _before(self, size: int) -> list[int]:
        """The bytes that each rank writes anyway: the weights are one file."""
        return [size] + [0] * (self.team.world - 1)

    def _run(self, save: _Save, sources: Sources) -> None:
        """In the background."""

        def tell(text: str) -> None:
            save.trouble = text
            self.say(text)

        began = time.monotonic()
        try:
            image = sources.copy(self._copies)
            save.copied.set_result(None)
            copied = time.monotonic()
            image.check(save.step, self.committed)
            address = self.place.of(f"model_{save.step}")
            part, own = patiently(lambda: self._write(save, image), f"saving step {save.step}", tell=tell)
            save.files.set_result(own)
            if self.team.rank == 0:
                files = [file for share in self._collect(save, part) for file in share]
                commit.commit(part, self.place, save.step, files, permanent=save.permanent, say=tell)
                self.committed = save.step
                size, spent = sum(file.size for file in files), (copied - began, time.monotonic() - copied)
                self.say(f"saved {address}: {size / 1e6:.1f} MB, {spent[0]:.2f} s to copy, {spent[1]:.2f} s to write")
            self.seconds = max(self.seconds, time.monotonic() - began)
        except BaseException as error:
            for future in (save.copied, save.files):
                if not future.done():
                    future.set_exception(error)  # type: ignore[attr-defined]
            save.done.set_exception(error)
        else:
            save.done.set_result(None)

    def _write(self, save: _Save, image: Image) -> tuple[Gathering, Files]:
        """This rank's files, in the store and reported; after a failure nothing of them is left."""
        self.place.check()
        address = self.place.of(f"model_{save.step}")
        part = gathering.begin(self._direct, address, save.token, self.team.rank, self.place.scratch)
        return part, image.write(part)

    def _collect(self, save: _Save, part: Gathering) -> list[Files]:
        """The files of all ranks, as soon as they have reported them."""
        found = [save.files.result()]
        for rank in range(1, self.team.world):
            wait = Wait(f"step {save.step} waits for the share of rank {rank}", PATIENCE, tell=self.say)
            while (files := gathering.reported(part, rank)) is None and not save.handed.wait(PAUSE):
                if not threading.main_thread().is_alive():
                    raise Error(f"step {save.step}: this process ended before rank {rank} had saved its share")
                wait.more()
                if self._leaving and wait.seconds > LEAVING:
                    raise Error(f"step {save.step}: the training ended before rank {rank} had saved its share")
            files = files or save.everyone[rank]
            if files is None:
                raise Error(f"step {save.step}: rank {rank} could not save its share, its log says why")
            found.append(files)
        return found
