"""`kill -9` of a trainer at random moments, again and again: it ends with the bits of one that nobody touched."""

import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from train import saving

from ernie_core.store import File, Store, artefact, open_store, pointed

TOP = Path(__file__).parents[2]
ENDLESS = 1_000_000


def start(url: str, scratch: Path, steps: int, arch: str) -> subprocess.Popen[str]:
    """A trainer that has begun to train."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("saving.py")), url, str(scratch), str(steps), arch],
        env={**os.environ, "PYTHONPATH": f"{TOP}:{TOP / 'tests'}", "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = [""]
    while not said[-1].startswith("training after"):
        said.append(process.stderr.readline())
        assert said[-1], f"it ended with {process.wait()}:\n{''.join(said)}"
    return process


def killed(store: Store, root: Path, arch: str, kills: int, longest: float) -> int:
    """Kill a training so many times, some of them in a save, then let it finish; how many steps it made in all."""
    moments, interrupted = random.Random(kills), 0
    for number in itertools.count(1):
        process = start(store.url, root / "scratch", ENDLESS, arch)
        time.sleep(moments.uniform(0.0, longest))
        while number % 2 and not half_written(store, root):
            assert process.poll() is None
        process.kill()
        process.communicate()
        interrupted += half_written(store, root)
        if number >= kills and interrupted:
            break
    steps = int((pointed(store, "pretrain/x/model_last") or "model_0").removeprefix("model_")) + 7
    process = start(store.url, root / "scratch", steps, arch)
    said = process.communicate()[1]
    assert process.returncode == 0, said
    return steps


def half_written(store: Store, root: Path) -> bool:
    """Whether there is a save that was not committed."""
    folder = store.path(".staging")
    if folder is not None:
        return any(folder.glob("gathering-*"))
    return any((root / "scratch").glob("gathering-*/*")) or any(
        entry.key.endswith("/.uncommitted") for entry in store.list("pretrain/x")
    )


def final(store: Store, steps: int) -> tuple[File, ...]:
    """The digests of everything in the last checkpoint."""
    assert pointed(store, "pretrain/x/model_last") == f"model_{steps}"
    assert artefact.verify(store, f"pretrain/x/model_{steps}") == []
    manifest = artefact.read(store, f"pretrain/x/model_{steps}")
    assert manifest is not None
    return manifest.files


def untouched(root: Path, steps: int, arch: str) -> tuple[File, ...]:
    store = open_store(root / "untouched")
    saving.run(store.url, root / "scratch-untouched", steps, arch, [])
    return final(store, steps)


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_a_trainer_killed_at_random_moments_ends_with_the_same_bits(tmp_path: Path, kills: int) -> None:
    store = open_store(tmp_path / "store")
    steps = killed(store, tmp_path, "1L16H2", kills, longest=0.6)
    assert final(store, steps) == untouched(tmp_path, steps, "1L16H2")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with servers.seaweed(tmp_path / "seaweed") as (_, env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        yield open_store(f"s3://{servers.BUCKET}/kills")


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_a_trainer_killed_while_it_uploads_ends_with_the_same_bits(bucket: Store, tmp_path: Path, kills: int) -> None:
    steps = killed(bucket, tmp_path, "2L256H4", kills, longest=1.5)
    assert final(bucket, steps) == untouched(tmp_path, steps, "2L256H4")


def test_a_trainer_that_is_told_to_stop_commits_the_step_it_is_in(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    process = start(store.url, tmp_path / "scratch", ENDLESS, "1L16H2")
    process.terminate()
    said = process.communicate()[1]
    assert process.returncode == 143, said
    last = pointed(store, "pretrain/x/model_last")
    assert last is not None and f"stopped after step {last.removeprefix('model_')}" in said
    assert artefact.verify(store, f"pretrain/x/{last}") == []
