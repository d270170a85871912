"""Figures for Prometheus, as the collector of a node reads them."""

import re
from pathlib import Path

import pytest

from ernie_core.train.monitor.prometheus import METRICS, TextfileView, text

SAMPLE = re.compile(r'(?P<name>[a-z_]+)\{run="(?P<run>(?:[^"\\\n]|\\.)*)",rank="(?P<rank>\d+)"\} (?P<value>\S+)')


def read(page: str) -> dict[str, float]:
    """Every sample by its name, each behind a line of help and one of its type."""
    lines, found = page.splitlines(), {}
    for help_, kind, sample in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        match = SAMPLE.fullmatch(sample)
        assert match is not None
        assert help_.startswith(f"# HELP {match['name']} ")
        assert kind in (f"# TYPE {match['name']} gauge", f"# TYPE {match['name']} counter")
        assert kind.endswith("counter") == match["name"].endswith("_total")
        found[match["name"]] = float(match["value"])
    assert page.endswith("\n")
    return found


def test_the_file_has_the_newest_of_every_figure(tmp_path: Path) -> None:
    view = TextfileView(tmp_path, "pretrain/3f9a", rank=8)
    view(20, {"train/global_step": 20, "train/loss": 9.5, "checkpoint/step": 15, "checkpoint/timestamp": 1.75e9})
    view(20, {"valid/loss": 9.6, "valid/lm_accuracy": 0.1})
    view(40, {"train/global_step": 40, "train/loss": float("nan")})
    assert [path.name for path in tmp_path.iterdir()] == ["ernie_pretrain_3f9a_8.prom"]
    found = read(view.file.read_text())
    assert found["ernie_train_step"] == 40 and found["ernie_train_valid_loss"] == 9.6
    assert found["ernie_train_checkpoint_step"] == 15 and found["ernie_train_updated_timestamp_seconds"] > 1.7e9
    assert str(found["ernie_train_loss"]) == "nan"


def test_every_figure_has_a_name_of_its_own() -> None:
    page = text(dict.fromkeys(METRICS, 1.5), {"run": 'a"\\\nb', "rank": "0"}, 0.0)
    assert len(read(page)) == len(METRICS) + 1
    assert r'run="a\"\\\nb"' in page


def test_a_training_that_has_ended_is_no_longer_shown(tmp_path: Path) -> None:
    view = TextfileView(tmp_path, "pretrain/x")
    view(1, {"train/loss": 1.0})
    view.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_not_made_up(tmp_path: Path) -> None:
    """The collector would never look there: the log says so, and lets this view go."""
    with pytest.raises(OSError):
        TextfileView(tmp_path / "nowhere", "pretrain/x")(1, {"train/loss": 1.0})
