"""What a checkpoint must have to be resumed, what earlier versions left out, and half precision in it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from train import ranks

from ernie_core import errors
from ernie_core.model import weights
from ernie_core.model.arrays import read_arrays, write_arrays
from ernie_core.store import open_store
from ernie_core.train import loop
from ernie_core.train.checkpoint import snapshot
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.objective import Identity
from ernie_core.train.optim import optimiser
from ernie_core.train.optim.adamw import AdamWSettings
from ernie_core.train.optim.device import PaddleAdamW
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel.team import Team

NOW = Identity(
    {**ranks.IDENTITY.must, "decay_steps": 7, "eval_freq": 5, "eval_iters": 1, "scale_loss": 2.0}, ranks.IDENTITY.note
)


def write(root: Path, net: paddle.nn.Layer, adamw: Optimiser, identity: Identity = NOW) -> Path:
    """A checkpoint of step 3."""
    place = CheckpointLocation(open_store(root / "store"), "pretrain/x", root / "scratch")
    saver = Saver(place, Team(), [].append)
    at = snapshot.Progressed(3)
    saver.save(3, net, adamw, at, identity, ranks.vocabulary(place))
    saver.wait()
    folder = place.store.path("pretrain/x/model_3")
    assert folder is not None
    return folder


def trained(root: Path) -> tuple[Path, dict[str, np.ndarray]]:
    net, adamw = ranks.build()
    for step in (1, 2, 3):
        ranks.train(net, adamw, step)
    return write(root, net, adamw), optimiser.state(adamw)


def edit(folder: Path, keep: Callable[[str], bool], **changes: object) -> None:
    """Leave out of the optimiser's state what is not kept, and change state.json; None takes something away."""
    path = folder / snapshot.OPTIMISER
    write_arrays({name: a for name, a in read_arrays(path).items() if keep(name)}, path)
    state = json.loads((folder / snapshot.STATE).read_text()) | changes
    (folder / snapshot.STATE).write_text(json.dumps({name: said for name, said in state.items() if said is not None}))


def test_what_a_whole_checkpoint_lacks_is_named_with_a_remedy(tmp_path: Path) -> None:
    folder, state = trained(tmp_path)
    edit(folder, lambda name: "pooler" not in name)
    said = rf"model_3: .* lacks 8 of {len(state)} arrays: (\S+, ){{2}}\S+ and 5 more"
    with pytest.raises(errors.BadInput, match=said):
        snapshot.read(folder, *ranks.build(seed=9), NOW)
    with pytest.raises(errors.BadInput, match="delete it, then training resumes from the checkpoint before it"):
        snapshot.read(folder, *ranks.build(seed=9), NOW)


@pytest.mark.parametrize("form", [None, snapshot.FORMAT])
def test_a_checkpoint_without_any_moments_is_refused_whatever_wrote_it(tmp_path: Path, form: int | None) -> None:
    folder, state = trained(tmp_path)
    edit(folder, lambda name: False, format=form)
    with pytest.raises(errors.BadInput, match=f"lacks {len(state)} of {len(state)} arrays"):
        snapshot.read(folder, *ranks.build(seed=9), NOW)


def test_an_earlier_version_left_out_what_was_never_updated(tmp_path: Path) -> None:
    folder, state = trained(tmp_path)
    edit(folder, lambda name: "pooler" not in name, format=None, must=dict(ranks.IDENTITY.must))
    net, adamw = ranks.build(seed=9)
    _, notes = snapshot.read(folder, net, adamw, NOW)
    assert len(notes) == 2
    assert "ernie.pooler.dense.weight, ernie.pooler.dense.bias starts at zero" in notes[0]
    assert "without decay_steps, eval_freq, eval_iters, scale_loss" in notes[1]
    for name, array in optimiser.state(adamw).items():
        assert np.array_equal(array, state[name]) == ("pooler" not in name), name


def test_an_earlier_version_that_left_out_a_part_of_a_parameter_is_broken(tmp_path: Path) -> None:
    folder, _ = trained(tmp_path)
    edit(folder, lambda name: name != "ernie.pooler.dense.bias.moment2", format=None)
    with pytest.raises(errors.BadInput, match=r"lacks 1 of \d+ arrays: ernie\.pooler\.dense\.bias\.moment2;"):
        snapshot.read(folder, *ranks.build(seed=9), NOW)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    folder, _ = trained(tmp_path)
    edit(folder, lambda name: True, format=snapshot.FORMAT + 1)
    with pytest.raises(errors.BadInput, match=r"state\.json: has format 3, this version reads 1 and 2"):
        snapshot.read(folder, *ranks.build(seed=9), NOW)


@pytest.mark.parametrize("name", ["decay_steps", "eval_freq", "eval_iters", "scale_loss"])
def test_what_changes_the_result_may_not_change_in_a_run(tmp_path: Path, name: str) -> None:
    folder, _ = trained(tmp_path)
    with pytest.raises(errors.Refused, match=f"{name}  checkpoint: .*  now: 77"):
        snapshot.read(folder, *ranks.build(seed=9), replace(NOW, must={**NOW.must, name: 77}))


def half(seed: int = 0) -> tuple[paddle.nn.Layer, PaddleAdamW]:
    """A net in float16, all but norms, with the state that devices have of it; a host can only keep it."""
    net, _ = ranks.build(seed)
    for layer in net.sublayers():
        if not isinstance(layer, paddle.nn.LayerNorm):
            for parameter in layer._parameters.values():
                if parameter is not None:
                    layer._transform(parameter, None, "float16", True)
    return net, PaddleAdamW(net, AdamWSettings())


def test_a_model_is_written_as_the_optimiser_has_it_not_as_half_precision_rounds_it(tmp_path: Path) -> None:
    net, adamw = half()
    state = optimiser.state(adamw)
    masters = [name for name in state if name.endswith(".master_weight")]
    assert "ernie.embeddings.word_embeddings.weight.master_weight" in masters
    for name in masters:
        state[name] += np.float32(1e-7)  # less than float16 can say
    adamw.restore(state)
    folder = write(tmp_path, net, adamw)
    rounded, found = read_arrays(folder / weights.FILE), snapshot.trained(net, folder)
    assert list(found) == list(rounded) == list(net.state_dict())
    named = {parameter.name: name for name, parameter in net.named_parameters()}
    for name, tensor in net.state_dict().items():
        array, expected = found[name], state.get(f"{named[tensor.name]}.master_weight", rounded[name])
        assert array.dtype == np.float32 and np.array_equal(array, expected), name
    assert not np.array_equal(found["ernie.pooler.dense.weight"], rounded["ernie.pooler.dense.weight"])
    decoder = "cls.predictions.decoder.weight"
    assert found[decoder] is found["ernie.embeddings.word_embeddings.weight"], "tied, and written once"


def test_the_model_of_a_training_is_written_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, adamw = half()
    state = {name: a + np.float32(1e-7) if name.endswith("master_weight") else a
             for name, a in optimiser.state(adamw).items()}  # fmt: skip
    adamw.restore(state)
    write(tmp_path, net, adamw)
    place, model = (
        CheckpointLocation(open_store(tmp_path / "store"), "pretrain/x", tmp_path / "scratch"),
        tmp_path / "model",
    )
    model.mkdir()
    monkeypatch.setattr(loop, "page", lambda subject, lines: "")
    objective = SimpleNamespace(net=net)
    training = SimpleNamespace(objective=objective, place=place, at=snapshot.Progressed(3), best=None, subject=None)
    loop._write(training, model)
    name = "ernie.pooler.dense.weight"
    assert np.array_equal(read_arrays(model / weights.FILE)[name], state[f"{name}.master_weight"])


def test_half_precision_comes_back_from_a_checkpoint_to_the_bit(tmp_path: Path) -> None:
    net, adamw = half()
    folder = write(tmp_path, net, adamw)
    other, moved = half(seed=9)
    assert snapshot.read(folder, other, moved, NOW)[1] == []
    assert ranks.state(other, moved) == ranks.state(net, adamw)
