"""The page of a sweep: what it shows of points, and that it depends on them alone."""

import re
from html.parser import HTMLParser

import pytest

from ernie_core.train.monitor.report.sweep import Point, page

POINTS = [
    Point({"learning_rate": 2e-5, "batch_size": 16}, {"accuracy": 0.5, "loss": 1.5}, "finetune/a"),
    Point({"learning_rate": 1e-5, "batch_size": 16}, {"accuracy": 0.75, "loss": 1.0}, "finetune/b"),
    Point({"learning_rate": 1e-5}, {"loss": 1.25}, "finetune/c"),
]


def made(points: list[Point] = POINTS, best: int = 1) -> str:
    return page("tnews", points, ("accuracy", "loss"), "accuracy", "max accuracy", best)


def figures(text: str) -> dict[str, str]:
    """Parameter -> its chart."""
    found = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    return {re.search(r"<b>(.*?)</b>", figure)[1]: figure for figure in found}  # type: ignore[index]


def test_there_is_a_chart_for_every_parameter_with_a_dot_for_every_point_that_has_a_score() -> None:
    charts = figures(made())
    assert list(charts) == ["learning_rate", "batch_size"]
    assert [chart.count("<circle") for chart in charts.values()] == [2, 2]
    assert all(chart.count('class="t2"><circle') == 1 for chart in charts.values()), "the best stands out"


def test_values_stand_in_their_order_whatever_that_of_the_points_is() -> None:
    names = re.findall(r'text-anchor="middle">(.*?)<', figures(made())["learning_rate"])
    assert names == ["1e-05", "2e-05"]


def test_a_better_score_is_higher() -> None:
    chart = figures(made())["learning_rate"]
    heights = {title: float(y) for y, title in re.findall(r'cy="([\d.]+)".*?<title>(.*?)</title>', chart)}
    low, high = (next(y for title, y in heights.items() if title.endswith(score)) for score in (": 0.5", ": 0.75"))
    assert high < low, "a picture counts from the top"


def test_the_table_has_every_point_and_marks_the_best() -> None:
    rows = re.findall(r"<tr.*?</tr>", made(), re.DOTALL)
    cells = [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in rows]
    assert cells == [
        ["", "learning_rate", "batch_size", "accuracy", "loss", "artefact"],
        ["", "2e-05", "16", "0.5", "1.5", "finetune/a"],
        ["best", "1e-05", "16", "0.75", "1", "finetune/b"],
        ["", "1e-05", "", "", "1.25", "finetune/c"],
    ]


@pytest.mark.parametrize("value", ["<script>", 'a"b', "研究", [1, 2], True, None, 1e300])
def test_any_value_is_written_as_text(value: object) -> None:
    points = [Point({"value": value}, {"accuracy": 0.5}, "x/y"), Point({"value": 3}, {"accuracy": 0.25}, "x/z")]
    text = made(points, 0)
    parser = HTMLParser()
    parser.feed(text)
    assert "<script" not in text and text.count("<circle") == 2


def test_a_score_that_is_the_same_everywhere_or_nowhere_still_makes_a_page() -> None:
    assert made([Point({"x": n}, {"accuracy": 0.5}, "a/b") for n in range(3)], 0).count("<circle") == 3
    assert "<circle" not in made([Point({"x": 1}, {}, "a/b")], 0)


def test_the_page_loads_nothing_and_is_the_same_to_the_byte() -> None:
    assert made() == made()
    assert not re.search(r'(src|href)="', made()) and "<script" not in made()


def test_a_point_that_was_stopped_says_why() -> None:
    stopped = Point({"learning_rate": 1.0}, {}, "finetune/d", "stopped at step 200: accuracy was 0.2 there")
    text = made([*POINTS, stopped])
    assert "<th>note</th>" in text and "<td>stopped at step 200: accuracy was 0.2 there</td>" in text
    assert "<th>note</th>" not in made()
