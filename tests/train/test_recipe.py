"""Settings are checked before anything is read, and it is known which of them a resume may change."""

import pytest

from components.pretrain import Pretrain
from ernie_core import errors
from ernie_core.pretrain.recipe import _FREE, Recipe


@pytest.mark.parametrize(("settings", "remedy"), [
    ({"min_lr": 1e-3}, "lower min_lr"),
    ({"max_seq_len": 1024}, "must be in 8..max_position_embeddings"),
    ({"micro_batch_size": 8, "global_batch_size": 12}, "must be a multiple"),
    ({"layer_decay": 0.0}, "above 0 and at most 1"),
    ({"max_loss_spike": 0.9}, "must be above 1"),
    ({"sharding": "stage3"}, "choose from: none, stage1, stage2"),
    ({"fp16_opt_level": "O3"}, "choose from: O1, O2"),
    ({"amp_dtype": "int8"}, "choose from: float16, bfloat16"),
    ({"loss_spike_window": 0}, "at least 1"),
])  # fmt: skip
def test_what_cannot_work_is_refused(settings: dict[str, object], remedy: str) -> None:
    with pytest.raises(errors.BadInput, match=remedy):
        Recipe(**settings)


def test_micro_batches_are_shared_out_evenly() -> None:
    recipe = Recipe(micro_batch_size=4, global_batch_size=32)
    assert [recipe.accumulate(world) for world in (1, 2, 4, 8)] == [8, 4, 2, 1]
    for world in (3, 16):
        with pytest.raises(errors.BadInput, match=f"multiple of {world * 4}, or train with fewer"):
            recipe.accumulate(world)


def test_a_resume_may_change_how_far_and_how_it_fits_but_not_what_is_learned() -> None:
    free = {"max_steps": 7, "use_recompute": True, "sharding": "stage1", "max_loss_spike": 3.0, "logging_freq": 1}
    assert Recipe(**free).lasting() == Recipe().lasting()
    for change in ({"seed": 1}, {"use_amp": True}, {"layer_decay": 0.8}, {"do_permutation": True}, {"decay_steps": 9},
                   {"eval_freq": 7}, {"eval_iters": 3}, {"scale_loss": 2.0}):  # fmt: skip
        assert Recipe(**change).lasting() != Recipe().lasting()


def test_a_resume_may_change_what_the_fingerprint_leaves_out_and_how_far_it_goes() -> None:
    free = Pretrain.model_fields.keys() - Pretrain().settings().keys()
    assert free - {"start_fresh"} == _FREE - {"max_steps"}  # the first is no part of a training, the second is how far
    assert "start_fresh" in free and "max_steps" in _FREE


def test_the_order_of_paddlenlp_depends_on_how_far_it_goes() -> None:
    one, other = (Recipe(index_order="paddlenlp", max_steps=steps) for steps in (10, 20))
    assert one.lasting() != other.lasting()
    recipe = Recipe(max_steps=1000, eval_freq=300, eval_iters=2, global_batch_size=8)
    assert [recipe.samples(part) for part in ("train", "valid", "test")] == [8000, 64, 160]
