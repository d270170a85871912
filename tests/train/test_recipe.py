"""Settings are checked before anything is read, and it is known which of them a resume may change."""

import pytest

from components.finetune import Finetune
from components.pretrain import Pretrain
from ernie_core import errors
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.tasks import recipe as finetuning


@pytest.mark.parametrize(("settings", "remedy"), [
    ({"min_lr": 1e-3}, "lower min_lr"),
    ({"max_seq_len": 1024}, "must be in 8..max_position_embeddings"),
    ({"micro_batch_size": 8, "global_batch_size": 12}, "must be a multiple"),
    ({"layer_decay": 0.0}, "must be above 0"),
    ({"max_loss_spike": 0.9}, "must be above 1"),
    ({"sharding": "stage3"}, "one of none, stage1, stage2"),
    ({"fp16_opt_level": "O3"}, "one of O1, O2"),
    ({"amp_dtype": "int8"}, "one of float16, bfloat16"),
    ({"loss_spike_window": 0}, "at least 1"),
])  # fmt: skip
def test_what_cannot_work_is_refused(settings: dict[str, object], remedy: str) -> None:
    with pytest.raises(errors.BadInput, match=remedy):
        PretrainRecipe(**settings)


@pytest.mark.parametrize(("settings", "remedy"), [
    ({"micro_batch_size": 0}, "micro_batch_size 0 must be at least 1"),
    ({"batch_size": "8"}, "batch_size 8 must be a whole number"),
    ({"batch_size": True}, "batch_size True must be a whole number"),
    ({"learning_rate": None}, "learning_rate None must be a number"),
    ({"learning_rate": float("inf")}, "learning_rate inf must be a finite number"),
    ({"use_amp": "yes"}, "use_amp yes must be True or False"),
    ({"seed": 2**45}, "must be below 4294967296"),
])  # fmt: skip
def test_values_of_another_type_are_refused_as_what_they_are(settings: dict[str, object], remedy: str) -> None:
    with pytest.raises(errors.BadInput, match=remedy):
        finetuning.FinetuneRecipe(**settings)


def test_a_text_must_match_its_pattern_to_the_end() -> None:
    with pytest.raises(errors.BadInput, match="split"):
        PretrainRecipe(split="949,50,1\n")


def test_a_longer_training_extends_a_shorter_one_that_differs_in_nothing_else() -> None:
    shorter = Finetune(num_train_epochs=1).settings()
    assert Finetune(num_train_epochs=2).extends(shorter)
    for other in ({"early_stopping_patience": 3}, {"grad_clip": 0.5}, {"micro_batch_size": 4}, {"seed": 1}):
        assert not Finetune(num_train_epochs=2, **other).extends(shorter), other
    assert Finetune(num_train_epochs=2, logging_freq=7).extends(shorter)
    assert not Finetune(num_train_epochs=1).extends(Finetune(num_train_epochs=2).settings())
    assert not Finetune(max_steps=9).extends(shorter)


def test_a_drill_makes_any_training_small_enough_for_two_processes() -> None:
    for component in (Pretrain(micro_batch_size=64), Finetune(batch_size=64, micro_batch_size=32)):
        small = type(component).model_validate({**component.model_dump(), **component.drilled})
        assert not list(small.contradictions())


def test_micro_batches_are_shared_out_evenly() -> None:
    recipe = PretrainRecipe(micro_batch_size=4, global_batch_size=32)
    assert [recipe.accumulate(world) for world in (1, 2, 4, 8)] == [8, 4, 2, 1]
    for world in (3, 16):
        with pytest.raises(errors.BadInput, match=f"multiple of {world * 4}, or train with fewer"):
            recipe.accumulate(world)


def test_a_resume_may_change_how_far_and_how_it_fits_but_not_what_is_learned() -> None:
    free = {"max_steps": 7, "use_recompute": True, "sharding": "stage1", "max_loss_spike": 3.0, "logging_freq": 1}
    assert PretrainRecipe(**free).lasting() == PretrainRecipe().lasting()
    for change in ({"seed": 1}, {"use_amp": True}, {"layer_decay": 0.8}, {"do_permutation": True}, {"decay_steps": 9},
                   {"eval_freq": 7}, {"eval_iters": 3}, {"scale_loss": 2.0}):  # fmt: skip
        assert PretrainRecipe(**change).lasting() != PretrainRecipe().lasting()


def test_a_resume_may_change_what_the_fingerprint_leaves_out_and_how_far_it_goes() -> None:
    for component, recipe in ((Pretrain(), PretrainRecipe()), (Finetune(), finetuning.FinetuneRecipe())):
        later = {
            name for name in component.added | component.tabled if name in recipe.lasting() or name in recipe.ends()
        }
        assert component.settings().keys() | later == recipe.lasting().keys() | recipe.ends()


def test_the_order_of_paddlenlp_depends_on_how_far_it_goes() -> None:
    one, other = (PretrainRecipe(index_order="paddlenlp", max_steps=steps) for steps in (10, 20))
    assert one.lasting() != other.lasting()
    recipe = PretrainRecipe(max_steps=1000, eval_freq=300, eval_iters=2, global_batch_size=8)
    assert [recipe.samples(part) for part in ("train", "valid", "test")] == [8000, 64, 160]
