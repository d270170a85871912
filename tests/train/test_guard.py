"""What ends a training: numbers that are none, and losses that jump."""

import pytest

from ernie_core import errors
from ernie_core.pretrain.objective import first_loss
from ernie_core.train.guard import Guard

KEPT = "the last checkpoint is of step 40"


def feed(guard: Guard, losses: list[float], first: int = 1) -> None:
    for step, loss in enumerate(losses, first):
        guard.check(step, loss, KEPT)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_names_its_step_and_what_is_kept(loss: float) -> None:
    with pytest.raises(errors.BadInput, match=r"step 7: the loss is .*nothing is saved after it, the last .* step 40"):
        Guard().check(7, loss, KEPT)


def test_gradients_that_are_no_numbers_do_not_reach_the_weights() -> None:
    Guard().check_norm(6, 1e30, KEPT)
    with pytest.raises(errors.BadInput, match="step 7: the norm of the gradients is inf"):
        Guard().check_norm(7, float("inf"), KEPT)


def test_losses_far_above_their_mean_end_the_training_with_the_figures() -> None:
    guard = Guard(max_loss_spike=2.0, window=10, steps=3)
    with pytest.raises(errors.Refused) as refused:
        feed(guard, [4.0] * 10 + [9.0, 9.5, 10.0, 4.0])
    assert "step 13: the last 3 losses are 9.0000, 9.5000, 10.0000, above 2 times the mean 4.0000" in str(refused.value)
    assert "raise max_loss_spike" in str(refused.value)


def test_a_single_jump_is_forgiven_and_stays_out_of_the_mean() -> None:
    guard = Guard(max_loss_spike=2.0, window=10, steps=3)
    feed(guard, [4.0] * 10 + [9.0, 9.0, 4.0] * 20)
    assert set(guard.recent) == {4.0} and len(guard.recent) == 10


def test_nothing_counts_before_the_window_is_full_nor_when_it_is_off() -> None:
    feed(Guard(max_loss_spike=2.0, window=10, steps=1), [1.0] * 9 + [100.0])
    feed(Guard(), [1.0] * 200 + [100.0] * 10)


def test_a_guard_goes_on_where_it_was() -> None:
    first = Guard(max_loss_spike=2.0, window=10, steps=3)
    feed(first, [4.0] * 10 + [9.0, 9.0])
    second = Guard(max_loss_spike=2.0, window=10, steps=3)
    second.restore(first.state())
    with pytest.raises(errors.Refused):
        second.check(13, 9.0, KEPT)
    assert Guard().state() == {}


def test_the_first_loss_tells_a_trained_model_from_a_random_one() -> None:
    assert "a trained model far less: as it should be" in first_loss(2.5, 18_000, True, continued=True)
    assert "NOT as it should be" in first_loss(10.4, 18_000, True, continued=True)
