"""Whatever dies while a checkpoint is saved or whatever happens to its files, progress is never lost in silence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from crashes import dies_after
from train.committing import found, save
from train.ranks import together

from ernie_core import errors
from ernie_core.store import artefact, open_store, point, pointed
from ernie_core.train.checkpoint import commit, snapshot, standing
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.parallel.team import Team


@pytest.fixture
def place(tmp_path: Path) -> CheckpointLocation:
    (tmp_path / "scratch").mkdir()
    return CheckpointLocation(open_store(tmp_path / "store"), "pretrain/x", tmp_path / "scratch")


@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_a_killed_save_never_loses_the_previous_checkpoint(memory: Path, before: int) -> None:
    operations = 0
    while True:
        root = memory / str(operations)
        root.mkdir()
        place = CheckpointLocation(open_store(root / "store"), "pretrain/x", root / "scratch")
        for step in range(1, before + 1):
            save(place, step)
        died = dies_after(operations, lambda place=place: save(place, before + 1))  # type: ignore[misc]
        assert found(place) in ((before, before + 1) if died else (before + 1,)), f"died at operation {operations}"
        save(place, before + 2)
        assert found(place) == before + 2, "the next save works on what the dead one left"
        if not died:
            break
        shutil.rmtree(root)
        operations += 1
    assert operations > 10


def test_a_killed_save_of_the_same_step_again_never_loses_the_previous_one(memory: Path) -> None:
    for operations in range(200):
        root = memory / str(operations)
        root.mkdir()
        place = CheckpointLocation(open_store(root / "store"), "pretrain/x", root / "scratch")
        save(place, 1)
        save(place, 2)
        died = dies_after(operations, lambda place=place: save(place, 2))  # type: ignore[misc]
        assert found(place) in (1, 2), f"died at operation {operations}"
        if not died:
            return
    raise AssertionError("a save takes more than 200 file operations")


def test_two_are_kept_and_the_permanent_ones(place: CheckpointLocation) -> None:
    for step in range(1, 7):
        save(place, step, permanent=step == 2)
    assert place.store.children("pretrain/x") == ["model_2", "model_5", "model_6", "model_last"]
    assert pointed(place.store, "pretrain/x/model_last") == "model_6"


@pytest.fixture
def three(place: CheckpointLocation, tmp_path: Path) -> Path:
    """Two checkpoints, 1 and 2; returns the folder of the newer."""
    save(place, 1)
    save(place, 2)
    return tmp_path / "store/pretrain/x/model_2"


def tampered(folder: Path) -> None:
    (folder / "weights").write_text("weights of 3")


def truncated(folder: Path) -> None:
    (folder / "weights").write_text("weig")


def missing(folder: Path) -> None:
    (folder / "weights").unlink()


def extra(folder: Path) -> None:
    (folder / "surprise").write_text("?")


def torn(folder: Path) -> None:
    (folder / "MANIFEST.json").write_text('{"format": 1, "fi')


def foreign(folder: Path) -> None:
    shutil.copyfile(folder.parent / "model_1/MANIFEST.json", folder / "MANIFEST.json")


def uncommitted(folder: Path) -> None:
    (folder / "MANIFEST.json").unlink()


FAULTS = {
    tampered: "tampered",
    truncated: "truncated",
    missing: "missing",
    extra: "surprise",
    torn: "the manifest cannot be used",
    foreign: "belongs to something else",
    uncommitted: "not committed",
}


@pytest.mark.parametrize("harm", FAULTS, ids=lambda harm: harm.__name__)
def test_a_damaged_checkpoint_is_passed_over_and_the_reason_is_said(
    place: CheckpointLocation, three: Path, harm: Callable[[Path], None]
) -> None:
    harm(three)
    said: list[str] = []
    assert found(place, said) == 1
    assert any(FAULTS[harm] in text for text in said), said
    assert any("continuing from pretrain/x/model_1; model_last names model_2" in text for text in said)


def test_a_stale_pointer_is_logged(place: CheckpointLocation, three: Path) -> None:
    artefact.remove(place.store, "pretrain/x/model_2")
    said: list[str] = []
    assert found(place, said) == 1
    assert any("model_last is stale: it names model_2" in text for text in said)


def test_a_pointer_that_lags_behind_does_not_cost_the_newest_checkpoint(place: CheckpointLocation, three: Path) -> None:
    point(place.store, "pretrain/x/model_last", "model_1")
    assert found(place) == 2


def test_progress_without_a_whole_checkpoint_is_refused_not_restarted(place: CheckpointLocation, three: Path) -> None:
    for name in ("model_1", "model_2"):
        (three.parent / name / "weights").unlink()
    with pytest.raises(errors.Refused, match=r"model_2, model_1, model_last.*start_fresh") as refused:
        found(place)
    assert refused.value.exit_code == 78
    said: list[str] = []
    assert commit.latest(place, said.append, fresh=True) is None
    assert "start_fresh: training begins again at step 0" in said
    assert place.store.children("pretrain/x") == []


def test_a_pointer_alone_is_a_trace_of_progress(place: CheckpointLocation, three: Path) -> None:
    for name in ("model_1", "model_2"):
        artefact.remove(place.store, f"pretrain/x/{name}")
    with pytest.raises(errors.Refused, match="model_last"):
        found(place)


def test_a_record_of_starts_that_names_a_checkpoint_is_a_trace_of_progress(
    place: CheckpointLocation, three: Path
) -> None:
    commit.attempt(place, limit=3)
    for name in ("model_1", "model_2"):
        artefact.remove(place.store, f"pretrain/x/{name}")
    place.store.delete("pretrain/x/model_last")
    with pytest.raises(errors.Refused, match=r"progress \(restarts\.json, which names model_2\).*start_fresh"):
        found(place)
    assert commit.latest(place, [].append, fresh=True) is None
    assert commit.attempt(place, limit=1) == 1
    assert found(place) == 0, "what was begun again has lost nothing"


def test_a_start_fresh_that_is_killed_anywhere_leaves_a_trace_or_has_begun(memory: Path) -> None:
    for operations in range(100):
        place = CheckpointLocation(open_store(memory / str(operations) / "store"), "pretrain/x", memory / "scratch")
        save(place, 1)
        commit.attempt(place, limit=9)
        artefact.remove(place.store, "pretrain/x/model_1")
        if not dies_after(operations, lambda place=place: commit.latest(place, [].append, fresh=True)):  # type: ignore[misc]
            assert place.store.children("pretrain/x") == []
            return
        if place.store.children("pretrain/x"):
            with pytest.raises(errors.Refused):
                found(place)
    raise AssertionError("to begin again takes more than 100 file operations")


def garbage(pointer: Path) -> None:
    pointer.unlink()
    pointer.write_text("model_2")


def astray(pointer: Path) -> None:
    pointer.unlink()
    pointer.symlink_to("../elsewhere")


@pytest.mark.parametrize("harm", [garbage, astray, Path.unlink], ids=lambda harm: harm.__name__)
def test_a_pointer_that_is_gone_or_unreadable_costs_nothing(
    place: CheckpointLocation, three: Path, harm: Callable[[Path], None]
) -> None:
    harm(three.parent / "model_last")
    said: list[str] = []
    assert found(place, said) == 2
    how = "is missing" if harm is Path.unlink else "cannot be read"
    assert f"continuing from pretrain/x/model_2; model_last {how}" in said
    assert standing.look(place.store, place.address).odd() == [f"model_last {how}"]
    save(place, 3)
    assert pointed(place.store, "pretrain/x/model_last") == "model_3", "the next save makes it again"


def test_an_unreadable_pointer_alone_is_a_trace_of_progress(place: CheckpointLocation, three: Path) -> None:
    astray(three.parent / "model_last")
    for name in ("model_1", "model_2"):
        artefact.remove(place.store, f"pretrain/x/{name}")
    with pytest.raises(errors.Refused, match=r"progress \(model_last\)"):
        found(place)


def test_a_folder_in_the_place_of_the_pointer_is_refused_before_anything_is_trained(
    place: CheckpointLocation, three: Path
) -> None:
    (three.parent / "model_last").unlink()
    shutil.copytree(three, three.parent / "model_last")
    with pytest.raises(errors.BadInput, match="there is a folder where a pointer"):
        found(place)


@pytest.mark.parametrize("harm", [torn, foreign, uncommitted], ids=lambda harm: harm.__name__)
def test_manifests_alone_tell_what_a_start_goes_on_from(
    place: CheckpointLocation, three: Path, harm: Callable[[Path], None]
) -> None:
    harm(three)
    there = standing.look(place.store, place.address)
    assert there.begin(fresh=False, limit=1) == found(place) == 1
    assert there.odd() == ["model_2 is skipped, it is not whole", "model_last names model_2"]


def test_what_a_start_would_refuse_manifests_tell_in_the_same_words(place: CheckpointLocation, three: Path) -> None:
    commit.attempt(place, limit=1)
    said = [refusal(lambda: commit.attempt(place, limit=1))]
    assert said == [refusal(lambda: standing.look(place.store, place.address).begin(fresh=False, limit=1))]
    for name in ("model_1", "model_2"):
        artefact.remove(place.store, f"pretrain/x/{name}")
    said = [refusal(lambda: found(place))]
    assert said == [refusal(lambda: standing.look(place.store, place.address).begin(fresh=False, limit=1))]


def refusal(start: Callable[[], object]) -> str:
    with pytest.raises(errors.Refused) as refused:
        start()
    return str(refused.value)


def test_a_new_checkpoint_counts_even_if_its_pointer_was_lost(place: CheckpointLocation, three: Path) -> None:
    commit.attempt(place, limit=1)
    save(place, 3)
    (three.parent / "model_last").unlink()
    assert commit.attempt(place, limit=1) == 1


def test_a_plan_finds_the_state_of_a_checkpoint_where_a_training_writes_it() -> None:
    assert standing.STATE == snapshot.STATE


def test_start_fresh_does_not_touch_a_whole_checkpoint(place: CheckpointLocation, three: Path) -> None:
    newest = commit.latest(place, [].append, fresh=True)
    assert newest is not None and newest.step == 2


def test_starts_without_a_new_checkpoint_are_counted_and_limited(place: CheckpointLocation, tmp_path: Path) -> None:
    assert [commit.attempt(place, limit=3) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(errors.Refused, match=r"3 starts without a new checkpoint.*newest is none.*restarts\.json"):
        commit.attempt(place, limit=3)
    (tmp_path / "store/pretrain/x/restarts.json").unlink()
    assert commit.attempt(place, limit=3) == 1, "who has cured it deletes the record"


def test_a_new_checkpoint_resets_the_count(place: CheckpointLocation) -> None:
    for step in range(1, 6):
        assert commit.attempt(place, limit=2) == 1
        assert commit.attempt(place, limit=2) == 2
        save(place, step)
    assert commit.attempt(place, limit=2) == 1


def test_the_record_of_starts_is_no_trace_of_progress(place: CheckpointLocation) -> None:
    commit.attempt(place, limit=2)
    assert commit.latest(place, [].append) is None


def test_all_ranks_resume_from_what_is_whole_for_the_first(place: CheckpointLocation, three: Path) -> None:
    tampered(three)
    assert together(3, lambda team: commit.agreed(place, team, [].append).step) == [1, 1, 1]  # type: ignore[union-attr]


def test_what_is_refused_is_refused_on_all_ranks(place: CheckpointLocation, three: Path) -> None:
    shutil.rmtree(three.parent / "model_1")
    shutil.rmtree(three)

    def start(team: Team) -> str:
        with pytest.raises(errors.Refused) as refused:
            commit.agreed(place, team, [].append)
        return str(refused.value)

    first, second = together(2, start)
    assert first == second and "start_fresh" in first
