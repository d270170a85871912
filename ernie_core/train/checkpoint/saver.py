"""Checkpoints are copied and written while training continues: only an update waits, until the copy is complete."""

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
import paddle

from ernie_core.errors import Error
from ernie_core.model import weights
from ernie_core.patience import patiently
from ernie_core.store import gathering
from ernie_core.store.gathering import Gathering
from ernie_core.train.checkpoint import commit, copies, shares, snapshot
from ernie_core.train.checkpoint.commit import CheckpointLocation, Say
from ernie_core.train.checkpoint.copies import Copies, Values
from ernie_core.train.checkpoint.files import Files, RankFiles, Sources
from ernie_core.train.checkpoint.snapshot import Progressed
from ernie_core.train.objective import Best, Identity
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel.team import Team
from ernie_core.waiting import Wait

T = TypeVar("T")

LEAVING = 30.0
"""Seconds to wait for the shares of other ranks when this rank ends by an error: they may have ended, too."""
PAUSE = 0.2
"""Seconds between two checks for another rank's share."""
PATIENCE = 7200.0
"""Most seconds of a save, including outages of the store and waiting for space on its disk."""


@dataclass
class _Save:
    """A checkpoint on its way into the store."""

    step: int
    permanent: bool
    token: str
    copied: "Future[None]" = field(default_factory=Future)
    """Done when the state may change again."""
    files: "Future[Files]" = field(default_factory=Future)
    """Done when this rank's files are in the store."""
    done: "Future[None]" = field(default_factory=Future)
    """Done, on rank 0, when it is committed, `model_last` moved and the oldest removed; on the others as `files`."""
    trouble: str = ""
    """What it waits for: space on a disk, an unreachable store."""
    handed: threading.Event = field(default_factory=threading.Event)
    everyone: list[Files | None] = field(default_factory=list)
    """The files of all ranks if they arrive over the network before the store shows them."""


class Saver:
    """Saves the state of a training in the background. Every rank makes the same calls, in the same order.

    Call `before_update` before any change of weights or moments. A failed save raises its error at the next `check`,
    `save` or `wait`. A process that does not end by a signal ends only after its save.
    """

    def __init__(self, place: CheckpointLocation, team: Team, say: Say, busy: Say = lambda _: None) -> None:
        self.place, self.team, self.say = place, team, say
        self.busy = busy
        """Called with what the training waits for, while it waits."""
        self._direct = place.direct
        self.committed = 0
        """Newest committed step that this rank knows of: always up to date on rank 0, on the others after `wait`."""
        self._session: str = team.first(secrets.token_hex(16))
        self.seconds = 0.0
        """Seconds of the longest save, from capturing the state to the commit."""
        self._saves, self._leaving = 0, False
        self._copies = Copies()
        self._mine: list[str] | None = None
        self._save: _Save | None = None

    def save(
        self,
        step: int,
        net: paddle.nn.Layer,
        adamw: Optimiser,
        at: Progressed,
        identity: Identity,
        vocab: Path,
        scaler_state: Mapping[str, float] | None = None,
        *,
        best: Best | None = None,
        permanent: bool = False,
    ) -> None:
        """Capture the state and return; it is copied, written and committed in the background.

        The state of this moment is saved: weights and moments must not change until `before_update` returns. It waits
        for an earlier save that is still being written, since there is memory for one copy.
        """
        self._settle(step)
        first = self.team.rank == 0
        state = adamw.tensors()
        model = net.state_dict() if first else {}
        mine = self._share(state, net)
        captured = copies.capture(model | {name: state[name] for name in mine})
        parts = {snapshot.optimiser_file(self.team.rank, self.team.world): mine}
        texts, settled = {}, {}
        if first:
            parts[weights.FILE] = list(model)
            texts = snapshot.texts(net, at, identity, scaler_state or {})
            if best is not None and best.step != step:  # else its weights are those of the step
                settled[snapshot.BEST] = dict(best.weights)
        self._saves += 1
        token = hashlib.sha256(f"{self._session} {self._saves}".encode()).hexdigest()[:8]
        self._save = save = _Save(step, permanent, token)
        sources = Sources(captured, parts, texts, vocab, settled)
        threading.Thread(target=self._run, args=(save, sources), name=f"save {step}").start()

    def before_update(self) -> float:
        """Wait until the copy of the state is complete, so that it may change; returns the seconds of waiting.

        Raises the error of a failed copy.
        """
        if self._save is None:
            return 0.0
        began = time.monotonic()
        self._until(self._save.copied, self._save)
        return time.monotonic() - began

    def check(self) -> None:
        """Raise the error of a failed save; cheap enough for every step."""
        if self._save is not None and self._save.done.done():
            self._save.done.result()

    def wait(self) -> None:
        """Wait until everything is committed; an error of one rank is raised on all of them."""
        if self._save is None:
            return
        save = self._save
        if self.team.world > 1:
            mine = None if self._ended(save.files, save).exception() else save.files.result()
            # a remote file system may show the others' reports late, and a stop has no time for that
            save.everyone = self.team.gather(mine)  # type: ignore[assignment]
            save.handed.set()
            failed = self._ended(save.done, save).exception()
            errors = self.team.gather(None if failed is None else f"rank {self.team.rank}: {failed}")
            if failed is None and any(errors):
                raise Error(f"step {save.step} was not saved: {'; '.join(str(text) for text in errors if text)}")
        self._until(save.done, save)
        self.committed, self._save = save.step, None

    def close(self) -> None:
        """Let a running save finish if it can, without raising its error; for a training that ends by an error."""
        if self._save is not None:
            self._leaving = True
            with contextlib.suppress(Error):
                self._until(self._save.done, self._save)

    def _until(self, future: "Future[None]", save: _Save) -> None:
        """Wait for a stage of the saving thread; raises its error."""
        self._ended(future, save).result()

    def _ended(self, future: "Future[T]", save: _Save) -> "Future[T]":
        """The future, once it has a result or an error; a long wait is logged."""
        wait: Wait | None = None
        while not concurrent.futures.wait([future], 1.0).done:
            self.busy(save.trouble or f"saving step {save.step}")
            wait = wait or Wait(f"step {save.step} is being saved", PATIENCE, alone=None, tell=self.say)
            wait.more()
        return future

    def _settle(self, step: int) -> None:
        """Wait until there is memory for a copy."""
        if self._save is not None:
            if not self._save.done.done():
                self.say(f"step {step}: waiting for the checkpoint of step {self._save.step}, which is being written")
            self._until(self._save.done, self._save)
            # only rank 0 waits for the commit: the others would be in the next step meanwhile, and time out
            self.team.barrier()

    def _share(self, state: Mapping[str, Values], net: paddle.nn.Layer) -> list[str]:
        """The names in the optimiser's state that this rank writes; assigned at the first save.

        Refused if the ranks together do not hold the state of every parameter.
        """
        if self._mine is None:
            sizes = {name: 4 * int(np.prod(tensor.shape)) for name, tensor in state.items()}
            held: list[dict[str, int]] = self.team.gather(sizes)  # type: ignore[assignment]
            shares.check(held, net)
            before = self._before(sum(4 * int(np.prod(p.shape)) for p in net.parameters()))
            self._mine = shares.assign(held, before)[self.team.rank]
        return self._mine

    def _before(self, size: int) -> list[int]:
        """Bytes that each rank writes besides: the weights are one file of rank 0."""
        return [size] + [0] * (self.team.world - 1)

    def _run(self, save: _Save, sources: Sources) -> None:
        """Save in the background."""

        def tell(text: str) -> None:
            save.trouble = text
            self.say(text)

        began = time.monotonic()
        try:
            rank_files = sources.copy(self._copies)
            save.copied.set_result(None)
            copied = time.monotonic()
            rank_files.check(save.step, self.committed)
            address = self.place.of(f"model_{save.step}")
            part, own = patiently(lambda: self._write(save, rank_files), f"saving step {save.step}", tell=tell)
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

    def _write(self, save: _Save, rank_files: RankFiles) -> tuple[Gathering, Files]:
        """Write and report this rank's files; after a failure none of them is left."""
        self.place.check()
        address = self.place.of(f"model_{save.step}")
        part = gathering.begin(self._direct, address, save.token, self.team.rank, self.place.scratch)
        return part, rank_files.write(part)

    def _collect(self, save: _Save, part: Gathering) -> list[Files]:
        """Wait for the reports of all ranks; returns their files."""
        everyone = [save.files.result()]
        for rank in range(1, self.team.world):
            wait = Wait(f"step {save.step} waits for the share of rank {rank}", PATIENCE, tell=self.say)
            has_ended = False
            while (files := gathering.reported(part, rank)) is None and not save.handed.wait(PAUSE):
                if not threading.main_thread().is_alive():
                    raise Error(f"step {save.step}: this process ended before rank {rank} had saved its share")
                wait.more()
                if has_ended:  # and had not reported when that was seen
                    raise Error(f"step {save.step}: the process of rank {rank} ended before it had saved its share")
                has_ended = self.team.shared is not None and self.team.shared.has_ended(rank)
                if self._leaving and wait.seconds > LEAVING:
                    raise Error(f"step {save.step}: the training ended before rank {rank} had saved its share")
            files = files or save.everyone[rank]
            if files is None:
                raise Error(f"step {save.step}: rank {rank} could not save its share, its log says why")
            everyone.append(files)
        return everyone
