"""Everything that shows a training, opened and closed together."""

import json
from pathlib import Path

from visualdl import LogReader

from ernie_core.pretrain.objective import course
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.progress import silent
from ernie_core.store import open_store
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.monitor import watch
from ernie_core.train.monitor.event_files import VISUALDL
from ernie_core.train.monitor.log import Log
from ernie_core.train.monitor.report.page import Subject, publish

RECIPE = PretrainRecipe(arch="pico", max_steps=50, max_seq_len=32, logging_freq=5, binary_head=False)
CONFIG = RECIPE.shape(100, 0)
COURSE = course(RECIPE, CONFIG)


def steps(log: Log, first: int, last: int) -> list[str]:
    """Make steps, and the curve of them."""
    for step in range(first, last + 1):
        log.step(step, [10.0 - step / 10, 0.0], 1e-4)
    return [json.dumps({"step": step, "part": "train", "loss": 10.0 - step / 10}) for step in range(1, last + 1)]


def test_a_run_killed_between_two_commits_goes_on_in_every_view(tmp_path: Path) -> None:
    place, nodes = CheckpointLocation(open_store(tmp_path / "store"), "pretrain/x", tmp_path), tmp_path / "node"
    nodes.mkdir()
    beside, subject = tmp_path / "store/pretrain/x", Subject("pretrain/x", COURSE, 1000)

    log = Log(COURSE, silent)
    watch.begin(log, place, CONFIG, 0, [], textfiles=nodes)
    curve = steps(log, 1, 20)
    publish(place, subject, curve, log.times())
    steps(log, 21, 38)  # and here it is killed

    log = Log(COURSE, silent)
    watch.begin(log, place, CONFIG, 20, curve, textfiles=nodes)
    curve = steps(log, 21, 30)
    publish(place, subject, curve, log.times())

    reader = LogReader(file_path=str(beside / "runs" / VISUALDL.file))
    assert [point.id for point in reader.get_data("scalar", "train/loss")] == [5, 10, 15, 20, 25, 30]
    shown = (nodes / "ernie_pretrain_x_0.prom").read_text()
    assert 'ernie_train_restarts_total{run="pretrain/x",rank="0"} 1\n' in shown
    assert 'ernie_train_checkpoint_step{run="pretrain/x",rank="0"} 20\n' in shown
    assert "restart 1 after step 20" in (beside / "report.html").read_text()
    watch.end(log)
    assert list(nodes.iterdir()) == []


def test_only_the_first_rank_writes_to_the_store(tmp_path: Path) -> None:
    place = CheckpointLocation(open_store(tmp_path / "store"), "pretrain/x", tmp_path)
    log = Log(COURSE, silent, aloud=False)
    watch.begin(log, place, CONFIG, 0, [], textfiles=tmp_path, rank=4)
    steps(log, 1, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["ernie_pretrain_x_4.prom"]
