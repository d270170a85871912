"""Numbers of a spec or a site file: what YAML makes of them, and what is said where that is no number to work with."""

from pathlib import Path

import pytest
from small_spec import GOOD, load, problems

from components.contract.values import LARGEST, duration, size
from ernie_core.wording import shorten
from jobs.spec import document, site
from jobs.spec.problems import SpecError

TRAINED = GOOD + "  - pretrain: {cpu: 1}\n"


@pytest.mark.parametrize("value", ["inf", "nan", "1e400", ".inf", "-.inf", ".nan", '"inf"', "1e999999"])
@pytest.mark.parametrize("key", ["pretrain.max_lr", "pretrain.warmup_rate", "pretrain.max_loss_spike"])
def test_what_is_not_finite_is_refused_on_one_line(tmp_path: Path, key: str, value: str) -> None:
    [said] = problems(tmp_path, TRAINED, f"{key}={value}")
    assert said.startswith("--set") and said.endswith("is not a finite number, write one such as 1e-4")


@pytest.mark.parametrize("value", [".inf", ".nan", "1e400"])
def test_what_is_not_finite_is_refused_wherever_it_stands(tmp_path: Path, value: str) -> None:
    for text in (
        GOOD.replace("ids:", f"ids: {{memory: {value}}}"),
        GOOD.replace("ids:", f"ids: {{require: {{tokens: {value}}}}}"),
        GOOD.replace("ids:", f"ids: {{from: {{segment: {value}}}}}"),
        GOOD.replace("tool: jieba", f"max_rejected: {value}"),
        GOOD.replace("./store", value),
    ):
        [said] = problems(tmp_path, text)
        assert f"`{value}` is not a finite number" in said and said.startswith("demo.yaml:")
    (tmp_path / "site.yaml").write_text(f"cpus: {value}\n")
    assert f"site.yaml:1: cpus: `{value}` is not a finite number" in problems(tmp_path, GOOD)[0]


def test_a_number_that_is_too_large_is_cut_in_the_message(tmp_path: Path) -> None:
    for value in ("1" + 400 * "0", 9000 * "9", str(LARGEST + 1), f"-{10 * LARGEST}"):
        [said] = problems(tmp_path, TRAINED, f"pretrain.max_steps={value}")
        assert "is too large a number, 9223372036854775807 is the largest" in said and len(said) < 300
    assert load(tmp_path, TRAINED, f"pretrain.max_steps={LARGEST}")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("017", "`017` begins with 0: write `17` for the number, `0o17` if it is octal"),
        ("1:30", "`1:30` is not a whole number"),
        ("on", "`on` is not a whole number"),
        ("yes", "`yes` is not a whole number"),
        ("true", "`true` is not a whole number"),
        ("1,000", "`1,000` is not a whole number"),
        ("1.5", "`1.5` is not a whole number"),
        ("~", "is empty, give it a value or leave it out"),
    ],
)
def test_what_other_readers_of_yaml_take_for_a_number_is_said_clearly(tmp_path: Path, value: str, said: str) -> None:
    assert said in problems(tmp_path, TRAINED, f"pretrain.max_steps={value}")[0]


@pytest.mark.parametrize(("value", "steps"), [("3_000", 3000), ("0o17", 15), ("0x1F", 31), ("1e3", 1000), ("+5", 5)])
def test_what_yaml_knows_as_a_number_is_one(tmp_path: Path, value: str, steps: int) -> None:
    step = load(tmp_path, TRAINED, f"pretrain.max_steps={value}").steps[-1].step
    assert step.max_steps == steps  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", ["on", "yes", "true", "True"])
def test_yes_and_on_are_true_where_a_truth_value_is_wanted(tmp_path: Path, value: str) -> None:
    assert load(tmp_path, TRAINED, f"pretrain.use_recompute={value}").steps[-1].step.use_recompute  # type: ignore[attr-defined]


def test_the_negative_zero_is_the_same_work_as_zero(tmp_path: Path) -> None:
    one, other = (load(tmp_path, TRAINED, f"pretrain.min_lr={zero}").steps[-1].step for zero in ("-0.0", "0.0"))
    assert str(one.settings()) == str(other.settings())


@pytest.mark.parametrize("value", [9 * "999" + "GiB", 400 * "9" + "GiB", LARGEST + 1, True, float("inf"), "1e400GiB"])
def test_a_size_without_end_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        size(value)
    with pytest.raises(ValueError, match="is not a duration"):
        duration(str(value).replace("GiB", "d"))


def test_a_site_file_takes_no_truth_value_for_a_number(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(
        "cpus: true\ncluster: {namespace: a, service_account: b, launcher: {cpu: no}}\n"
    )
    with pytest.raises(SpecError) as caught:
        site.read(tmp_path / "site.yaml")
    assert [p.text for p in caught.value.problems] == ["`true` is not a whole number", "`no` is not a number"]


@pytest.mark.parametrize("value", ["1.10", "2", "1e5", "0x1f", "true"])
def test_a_version_that_is_a_number_to_yaml_asks_for_quotes(tmp_path: Path, value: str) -> None:
    text = GOOD + "  - package: {name: x, version: 1}\n"
    kind = "a truth value" if value == "true" else "a number"
    said = problems(tmp_path, text, f"package.version={value}")
    assert f'--set: steps.3.package.version: `{value}` is {kind} to YAML, put it in quotes: "{value}"' in said
    said = problems(tmp_path, text.replace("version: 1}", f"version: {value}}}"))
    assert f'demo.yaml:10: steps.3.package.version: `{value}` is {kind} to YAML, put it in quotes: "{value}"' in said


def test_other_texts_that_are_numbers_ask_for_quotes_too(tmp_path: Path) -> None:
    text = (
        GOOD.replace("name: demo", "name: 2024")
        .replace("corpus/*.txt", "[a.txt, 1.50]")
        .replace("ids:", "ids: {as: 3}")
    )
    assert problems(tmp_path, text) == [
        'demo.yaml:2: name: `2024` is a number to YAML, put it in quotes: "2024"',
        'demo.yaml:5: inputs.mine.text.1: `1.50` is a number to YAML, put it in quotes: "1.50"',
        'demo.yaml:9: steps.2.ids.as: `3` is a number to YAML, put it in quotes: "3"',
    ]
    assert "write `version: 1` without quotes" in problems(tmp_path, GOOD.replace("version: 1", 'version: "1"'))[0]
    assert problems(tmp_path, GOOD.replace("version: 1", "version: true"))


@pytest.mark.parametrize(
    "edit", ['package.version="1.10"', "package.version=", "segment.require.lines=>=3", "x=[1, 2]"]
)
def test_an_edit_is_recorded_so_that_it_is_the_same_again(edit: str) -> None:
    first = document.edit(edit)
    assert document.edit(str(first)) == first


def test_a_long_value_is_cut_with_what_was_left_out_and_stays_on_its_line() -> None:
    assert shorten("x" * 10_000) == "x" * 80 + "... (9,920 more characters)"
    assert shorten("a\n\x1b[31mb") == "a\\n\\x1b[31mb"
    assert [shorten(value) for value in (None, True, 0.5)] == ["null", "true", "0.5"]
