"""Stores and files as people write them: what stands for something else is expanded as documented, or refused."""

from pathlib import Path

import pytest
from small_spec import GOOD, load, problems


@pytest.mark.parametrize("store", ["$HOME/x", "${BUCKET}/x", "s3://${BUCKET}/x", "s3://data-$USER/x", "$(pwd)/x",
                                   "{{ bucket }}/x", "%APPDATA%/x", "./store-$USER"])  # fmt: skip
def test_a_variable_in_a_store_is_refused_by_name(tmp_path: Path, store: str) -> None:
    [said] = problems(tmp_path, GOOD.replace("./store", f"'{store}'"))
    assert said.startswith("demo.yaml:3: store: ") and "are not expanded, write what it stands for" in said
    (tmp_path / "site.yaml").write_text(f"store: '{store}'\n")
    assert "site.yaml:1: store: " in problems(tmp_path, GOOD)[0]


def test_the_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert load(tmp_path, GOOD.replace("./store", "~/x")).store == str(tmp_path / "home" / "x")
    for text in (GOOD.replace("./store", "~nosuchuser/x"), GOOD.replace("corpus/*.txt", "~nosuchuser/x")):
        [said] = problems(tmp_path, text)
        assert "`~nosuchuser/x`: there is no such user on this machine" in said


@pytest.mark.parametrize("store", ["s3://", "s3:///x", "s3:bucket", "S3://bucket/x", "gs://x", "file://host/x", "C:/x"])
def test_what_is_no_store_is_not_a_folder_of_that_name(tmp_path: Path, store: str) -> None:
    assert "demo.yaml:3: store: " in problems(tmp_path, GOOD.replace("./store", store))[0]


@pytest.mark.parametrize("pattern", ["$DATA/*.txt", "${DATA}/*.txt", "s3://{{ bucket }}/*.txt", "/data/$LANG/*.txt"])
def test_a_variable_in_an_input_is_refused_by_name(tmp_path: Path, pattern: str) -> None:
    [said] = problems(tmp_path, GOOD.replace("corpus/*.txt", f"'{pattern}'"))
    assert "inputs.mine.text: " in said and "are not expanded" in said


@pytest.mark.parametrize("pattern", ["price$usd.txt", "file:///x/%e4%b8%ad.txt", "a{b}.txt", "100%.txt"])
def test_a_name_with_such_a_character_in_it_is_a_name(tmp_path: Path, pattern: str) -> None:
    assert load(tmp_path, GOOD.replace("corpus/*.txt", f"'{pattern}'")).inputs["mine"].files == (pattern,)
