"""The report of a training: complete, self-contained, and without times equal to the byte."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ernie_core.pretrain.objective import course
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.store import open_store
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.monitor.report.chart import Chart, Line, draw, means, round_numbers
from ernie_core.train.monitor.report.page import Subject, page, publish

RECIPE = PretrainRecipe(arch="pico", max_steps=100, max_seq_len=64)
CONFIG = RECIPE.shape(1000, 0)
COURSE = replace(course(RECIPE, CONFIG), flops=1e6)
SUBJECT = Subject("tiny <corpus>", COURSE, data=[{"corpus": "a & b", "documents": 12345}])
CURVE = [
    json.dumps({"step": step, "part": "train", "loss": 9 - step / 50, "lm_loss": 8 - step / 50, "sop_loss": 1.0})
    for step in range(1, 101)
]
CURVE.insert(
    50, json.dumps({"step": 50, "part": "valid", "loss": 8.5, "lm_loss": 7.5, "sop_loss": 1.0, "lm_accuracy": 0.25})
)


def stretch(step: int, at: float) -> str:
    measured = {"steps": 40, "tokens": 4000, "seconds": 2.0, "waited": 0.5, "saved": 1.0, "paused": 1.0}
    return json.dumps({"step": step, **measured, "resident": 2**31, "at": at})


TIMES = [
    json.dumps({"start": 0, "at": 1.7e9}), stretch(40, 1.7e9 + 60), json.dumps({"start": 40, "at": 1.7e9 + 160}),
    stretch(80, 1.7e9 + 200),
]  # fmt: skip


class Page(HTMLParser):
    """The texts of a page, and everything that could make a browser ask for something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.asks: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "path", "circle"):
            self.open.append(tag)
        self.asks += [tag] * (tag in ("script", "link", "img", "iframe", "object"))
        self.asks += [name for name, _ in attrs if name in ("src", "href", "xlink:href", "srcset", "style")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("path", "circle")

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "circle"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_the_page_has_everything_and_asks_for_nothing() -> None:
    text = page(SUBJECT, CURVE, TIMES, peak=1e10)
    read = Page(text)
    assert read.asks == [] and "url(" not in text and "@import" not in text
    for said in ("tiny <corpus>", "Loss", "Learning rate", "Tokens a second", "Share of time", "Memory", "Settings",
                 "a & b", "12,345", "max_seq_len", "checkpoint_steps", "2 GiB", "25 %"):  # fmt: skip
        assert said in read.texts, said


def test_sums_leave_out_what_stood_still() -> None:
    read = Page(page(SUBJECT, CURVE, TIMES, peak=1e10)).texts
    facts = {name: read[read.index(name) + 1] for name in ("tokens/s", "utilisation", "waiting for data", "restarts")}
    assert facts == {"tokens/s": "2,000", "utilisation": "20 %", "waiting for data": "25 %", "restarts": "1"}


def test_a_restart_is_marked_in_every_chart_and_has_a_row_with_the_time_that_was_lost() -> None:
    text = page(SUBJECT, CURVE, TIMES)
    assert text.count("<title>restart 1 after step 40</title>") == text.count("<svg") == 8
    assert re.search(r"<td>2023-11-14 22:16:00</td><td>40</td><td>1 min 40 s</td>", text)


def test_without_times_the_page_depends_on_what_decides_the_model_alone() -> None:
    often = PretrainRecipe(arch="pico", max_steps=100, max_seq_len=64, checkpoint_steps=7, logging_freq=1)
    text = page(SUBJECT, CURVE)
    assert text == page(Subject(SUBJECT.title, replace(COURSE, settings=often), data=SUBJECT.data), CURVE)
    assert text.count("<svg") == 5 and "Machine" not in text and "checkpoint_steps" not in text
    assert text != page(SUBJECT, CURVE[:-1])


@pytest.mark.parametrize("curve", [[], CURVE[:1]], ids=["nothing", "one step"])
def test_a_training_that_has_only_begun_has_a_page_too(curve: list[str]) -> None:
    assert Page(page(SUBJECT, curve, TIMES[:1])).asks == []


def test_it_stands_beside_the_checkpoints_with_its_times(tmp_path: Path) -> None:
    place = CheckpointLocation(open_store(tmp_path), "pretrain/x", tmp_path)
    publish(place, SUBJECT, CURVE, TIMES)
    assert (tmp_path / "pretrain/x/report.html").read_text() == page(SUBJECT, CURVE, TIMES)
    assert (tmp_path / "pretrain/x/train_times.jsonl").read_text().splitlines() == TIMES


@pytest.mark.parametrize(("low", "high", "numbers"), [
    (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
    (1.83, 9.7, [0, 2, 4, 6, 8, 10]),
    (0.0, 0.00012, [0, 5e-5, 1e-4, 1.5e-4]),
    (3.0, 3.0, [3.0, 4.0]),
    (0.0, 0.0, [0, 0.2]),
])  # fmt: skip
def test_axes_have_round_numbers_around_the_values(low: float, high: float, numbers: list[float]) -> None:
    assert round_numbers(low, high, 5) == pytest.approx(numbers)


def test_a_long_curve_is_drawn_through_means_with_all_its_points_behind() -> None:
    assert means([(k, k) for k in range(1, 8)], 3) == [(3, 2), (6, 5), (7, 7)]
    noisy = [json.dumps({"step": k, "part": "train", "loss": 5 + k % 2}) for k in range(1, 1001)]
    drawn = page(Subject("t", course(PretrainRecipe(binary_head=False), CONFIG)), noisy)
    raw, smooth = re.findall(r'<path(?: class="raw")? d="M([^"]+L[^"]+)"', drawn)[:2]
    assert raw.count("L") == 999 and smooth.count("L") == 142


def test_points_lie_where_their_values_are() -> None:
    drawn = draw(Chart("t", [Line("a", [(0, 0), (50, 5), (100, 10)])], 100, "{:g}".format))
    path = re.search(r'class="t1"><path d="M([^"]+)"', drawn)
    assert path is not None
    places = [tuple(map(float, place.split())) for place in path[1].split("L")]
    assert places == [(58.0, 210.0), (463.0, 111.0), (868.0, 12.0)]
