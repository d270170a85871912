"""Scores of extracted answers by the rules of CMRC 2018 and of SQuAD."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernie_core.tasks.metrics import squad

TEXT = st.text(st.sampled_from("天地人，。《》ab 1-"), max_size=8)


@pytest.mark.parametrize(
    ("rule", "prediction", "answers", "em", "f1"),
    [
        ("cmrc2018", "光荣", ["光荣"], 1, 1),
        ("cmrc2018", "《光荣》，", ["光荣"], 1, 1),
        ("cmrc2018", "Koei", ["KOEI"], 1, 1),
        ("cmrc2018", "光荣公司", ["光荣"], 0, 2 / 3),
        ("cmrc2018", "光，荣", ["荣光"], 0, 0.5),
        ("cmrc2018", "光x荣y", ["光荣"], 0, 1 / 3),
        ("cmrc2018", "1,000 km", ["1,000 km 远"], 0, 0.8),
        ("cmrc2018", "天", ["地", "天地", "天"], 1, 1),
        ("cmrc2018", "天地人", ["地", "天地"], 0, 0.8),
        ("cmrc2018", "，", ["天"], 0, 0),
        ("cmrc2018", "", ["天"], 0, 0),
        ("cmrc2018", "", [""], 1, 1),
        ("cmrc2018", "天", [""], 0, 0),
        ("squad", "The Broncos", ["broncos!"], 1, 1),
        ("squad", "in the big city", ["big city hall"], 0, 2 / 3),
        ("squad", "荣光", ["光荣"], 0, 1),
        ("squad", "光荣。", ["光荣"], 1, 1),
        ("squad", "$5 <b>", ["5 b"], 1, 1),
        ("squad", "", [""], 1, 1),
        ("squad", "天", [""], 0, 0),
    ],
)
def test_scores_by_hand(rule: str, prediction: str, answers: list[str], em: float, f1: float) -> None:
    assert squad.exact_match(rule, prediction, answers) == em
    assert squad.f1(rule, prediction, answers) == pytest.approx(f1)


def test_the_units_of_chinese_f1_are_characters_and_latin_words() -> None:
    units = squad.RULES["cmrc2018"].segments
    assert units("《战国无双3》由ω-force、Koei Tecmo于2009年12月3日，售1,200.5元") == [
        *"战国无双", "3", "由", "ωforcekoei", "tecmo", "于", "2009", "年", "12", "月", "3", "日", "售", "1,200.5", "元",
    ]  # fmt: skip
    assert units("don't (see U.S. law)...") == ["don't", "(", "see", "u.s.", "law", ")", "..."]


@given(TEXT, TEXT)
def test_the_longest_common_run_is_that_of_all_pairs_of_pieces(one: str, two: str) -> None:
    a, b = list(one), list(two)
    wanted = max(
        (j - i for i in range(len(a)) for j in range(i, len(a) + 1) if one[i:j] in two),
        default=0,
    )
    assert squad.RULES["cmrc2018"].common(a, b) == wanted


@pytest.mark.parametrize("rule", squad.RULES)
@given(one=TEXT, two=TEXT)
def test_scores_are_shares_and_symmetric_and_a_match_is_complete(rule: str, one: str, two: str) -> None:
    f1 = squad.f1(rule, one, [two])
    assert 0 <= f1 <= 1 and f1 == squad.f1(rule, two, [one])
    if squad.exact_match(rule, one, [two]) and squad.RULES[rule].segments(one):
        assert f1 == pytest.approx(1)
    assert squad.f1(rule, one, [two, one]) >= f1
