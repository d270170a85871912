"""`sweep:` in a spec: its points, what is refused and how that is said."""

from pathlib import Path

import pytest
from small_spec import load, problems

SPEC = """\
version: 1
name: demo
store: ./store
inputs:
  mine: {{text: corpus/*.txt}}
steps:
  - segment:
  - vocab: {{han: seen, english_size: 0, {0}}}
  - ids:
"""


def points(tmp_path: Path, sweep: str, *edits: str) -> list[dict[str, object]]:
    job = load(tmp_path, SPEC.format(sweep), *edits)
    swept = job.steps[1].sweep
    assert swept is not None
    return [dict(point.varied) for point in swept.points]


def said(tmp_path: Path, sweep: str, *edits: str) -> str:
    (problem,) = problems(tmp_path, SPEC.format(sweep), *edits)
    return problem


def test_a_grid_is_every_combination_in_the_order_of_the_spec(tmp_path: Path) -> None:
    found = points(tmp_path, "sweep: {size: [900, 800], min_count: [1, 2]}, best: max coverage")
    assert found == [
        {"size": 900, "min_count": 1}, {"size": 900, "min_count": 2},
        {"size": 800, "min_count": 1}, {"size": 800, "min_count": 2},
    ]  # fmt: skip


def test_a_list_is_its_points_and_each_may_vary_something_else(tmp_path: Path) -> None:
    found = points(tmp_path, "sweep: [{size: 900}, {size: 800, min_count: 2}], best: max coverage")
    assert found == [{"size": 900}, {"size": 800, "min_count": 2}]


def test_an_edit_replaces_the_values_of_a_parameter(tmp_path: Path) -> None:
    sweep = "sweep: {size: [900, 800], min_count: [1, 2]}, best: max coverage"
    assert points(tmp_path, sweep, "vocab.sweep.size=[700]", "vocab.sweep.min_count=[3]") == [
        {"size": 700, "min_count": 3}
    ]


def test_shards_are_points_in_parallel_of_any_step_with_a_sweep(tmp_path: Path) -> None:
    text = SPEC.format("size: 900").replace("  - ids:\n", "  - ids:\n  - pretrain: {shards: 2}\n")
    (problem,) = problems(tmp_path, text)
    assert "`pretrain` cannot be split, leave `shards` out" in problem
    swept = text.replace("{shards: 2}", "{shards: 2, sweep: {seed: [1, 2]}, best: min train_loss}")
    assert load(tmp_path, swept).steps[3].placement.shards == 2


@pytest.mark.parametrize(
    ("sweep", "place", "what"),
    [
        ("sweep: {sizes: [900]}, best: max coverage", "sweep.sizes", "is not a parameter of this step, did you mean"),
        ("sweep: {from: [mine]}, best: max coverage", "sweep.from", "`from` is not a parameter of this step"),
        ("sweep: {size: [900, many]}, best: max coverage", "sweep.size.1", "`many` is not a whole number"),
        ("sweep: [{size: 900}, {size: 1.5}], best: max coverage", "sweep.1.size", "`1.5` is not a whole number"),
        ("sweep: {size: 900}, best: max coverage", "sweep.size", "`900` is not a list of values, write `[900]`"),
        ("sweep: {size: []}, best: max coverage", "sweep.size", "an empty list leaves no point"),
        ("sweep: {}, best: max coverage", "sweep", "has no points, write parameters with lists of values"),
        ("sweep: [], best: max coverage", "sweep", "has no points"),
        ("sweep: [900], best: max coverage", "sweep.0", "`900` is not a point"),
        ("sweep: {size: [900, 900]}, best: max coverage", "sweep", "point `size 900` is there twice: remove one"),
        ("sweep: [{size: 900}, {size: 900, min_count: 10}], best: max coverage", "sweep",
         "point `size 900, min_count 10` is the same work as `size 900`"),
        ("size: 900, sweep: {size: [800]}, best: max coverage", "sweep.size", "is given to all points too"),
        ("sweep: {size: [900]}", "best", "which point is kept? Add `best: max SCORE`"),
        ("sweep: {size: [900]}, best: coverage", "best", "write `max` or `min` and a score, as in `max accuracy`"),
        ("sweep: {size: [900]}, best: max covrage", "best", "gives no score `covrage`, did you mean `coverage`?"),
        ("sweep: [{size: 900}, {size: 800, recipe: whole}], best: max english", "best", "it needs `recipe: merge`"),
        ("best: max coverage", "best", "chooses among the points of a `sweep:`"),
        ("sweep: {size: [900, 4]}, best: max coverage", "sweep", "point `size 4`: size 4 is too small"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_sweep_is_said_where_it_stands(tmp_path: Path, sweep: str, place: str, what: str) -> None:
    problem = said(tmp_path, sweep)
    assert problem.startswith(f"demo.yaml:8: steps.1.vocab.{place}: ") and what in problem


def test_a_grid_that_is_too_large_is_refused_before_it_is_built(tmp_path: Path) -> None:
    many = list(range(900, 1900))
    problem = said(tmp_path, f"sweep: {{size: {many}, min_count: {many}}}, best: max coverage")
    assert "1,000,000 points, 1,000 at most" in problem


def test_a_contradiction_names_its_point_and_one_of_all_points_none(tmp_path: Path) -> None:
    def wrong(settings: str) -> list[str]:
        training = f"  - pretrain: {{global_batch_size: 64, {settings}, best: min train_loss}}\n"
        return problems(tmp_path, SPEC.format("size: 900") + training)

    of_two = wrong("sweep: {micro_batch_size: [16, 48, 80]}")
    assert len(of_two) == 2
    assert all("steps.3.pretrain.sweep: point `micro_batch_size " in problem for problem in of_two)
    (of_all,) = wrong("micro_batch_size: 48, sweep: {seed: [1, 2]}")
    assert "point" not in of_all and "48" in of_all


def test_a_later_step_must_suit_every_point(tmp_path: Path) -> None:
    text = SPEC.format("size: 900").replace(
        "  - ids:\n",
        "  - ids:\n  - pretrain: {sweep: [{max_seq_len: 64, max_position_embeddings: 64}, {max_seq_len: 128}],"
        " best: min train_loss}\n  - finetune: {max_seq_len: 128}\n",
    )
    text = text.replace("steps:", "  labelled: {task_data: data/*}\nsteps:")
    (problem,) = problems(tmp_path, text)
    assert "max_seq_len 128 is above the 64 positions of the model of `pretrain`" in problem


def test_what_is_published_under_a_name_is_no_sweep(tmp_path: Path) -> None:
    text = (
        "version: 1\nname: demo\nstore: ./store\ninputs:\n  made: {inference: exported/*}\nsteps:\n"
        "  - package: {sweep: {name: [a, b]}, best: max accuracy}\n"
    )
    assert any("packages are published under their names" in problem for problem in problems(tmp_path, text))


@pytest.mark.parametrize(
    ("halving", "what"),
    [("[]", "is not a list of steps"), ("[20, 10]", "from the first to the last"), ("[0]", "is not a list of steps"),
     ("[0.5]", "is not a list of steps"), ("[10, 10]", "is not a list of steps")],
)  # fmt: skip
def test_steps_of_a_halving_grow(tmp_path: Path, halving: str, what: str) -> None:
    training = f"  - pretrain: {{sweep: {{seed: [1, 2]}}, best: min train_loss, halving: {halving}}}\n"
    (problem,) = problems(tmp_path, SPEC.format("size: 900") + training)
    assert "steps.3.pretrain.halving: " in problem and what in problem


def test_a_halving_by_a_score_of_the_end_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    training = "  - pretrain: {sweep: {seed: [1, 2]}, best: min test_loss, halving: [10]}\n"
    (problem,) = problems(tmp_path, SPEC.format("size: 900") + training)
    assert "steps.3.pretrain.halving: " in problem and "where `test_loss` is not known: choose by another" in problem


def test_only_trainings_in_a_sweep_are_halved(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, SPEC.format("sweep: {size: [900]}, best: max coverage, halving: [10]"))
    assert "stops trainings of a `sweep:`, leave it out" in problem
    job = load(
        tmp_path, SPEC.format("size: 900") + "  - pretrain: {sweep: {seed: [1]}, best: min train_loss, halving: 9}\n"
    )
    assert job.steps[3].sweep and job.steps[3].sweep.halving == (9,)
