"""YAML that has no end, is no text, or means something else elsewhere: said with its line, at once."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_spec import GOOD, load, problems

from jobs.spec import document, parser
from jobs.spec.problems import Problem, SpecError


def chained(form: str, links: int) -> str:
    return "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {form.replace('@', f'a{i - 1}')}\n" for i in range(1, links))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "x: &a [*a]\n", "demo.yaml:10: an alias (`*name`) within its own anchor"),
        (GOOD + "x: &a\n  y: {z: *a}\n", "demo.yaml:11: an alias (`*name`) within its own anchor"),
        (GOOD + "x: &a {<<: *a}\n", "demo.yaml:10: an alias (`*name`) within its own anchor"),
        (chained("[*@,*@,*@,*@,*@,*@,*@,*@,*@,*@]", 30), "more than 50,000 values, with those that aliases repeat"),
        (chained("{<<: [*@,*@,*@,*@,*@,*@,*@,*@]}", 30), "more than 50,000 values, with those that aliases repeat"),
        (chained("[*@]", 2000), "aliases nest more than 40 deep"),
        (chained("{<<: *@}", 2000), "aliases nest more than 40 deep"),
        (GOOD + "x: " + 10_000 * "[" + 10_000 * "]", "demo.yaml:10: nested more than 40 levels deep"),
        (GOOD + "x: " + 100_000 * "[", "demo.yaml:10: nested more than 40 levels deep"),
        (GOOD + "x: " + 10_000 * '{"a":' + "1" + 10_000 * "}", "demo.yaml:10: nested more than 40 levels deep"),
        (GOOD + "x:\n" + "".join(f"{i * ' '}- \n" for i in range(1, 300)), "nested more than 40 levels deep"),
        (GOOD + "x: *nowhere\n", "demo.yaml:10: not YAML: found undefined alias 'nowhere'"),
    ],
)
def test_what_has_no_end_is_refused_at_once(tmp_path: Path, text: str, said: str) -> None:
    began = time.process_time()
    [found] = problems(tmp_path, text)
    assert said in found and time.process_time() - began < 10


@pytest.mark.parametrize("value", [10_000 * "[" + 10_000 * "]", 10_000 * '{"a":' + "1" + 10_000 * "}", 100_000 * "["])
def test_an_edit_is_bounded_as_a_file_is(value: str) -> None:
    with pytest.raises(SpecError, match=r"--set segment\.tool: nested more than 40 levels deep"):
        document.edit(f"segment.tool={value}")
    with pytest.raises(SpecError, match="nested more than 40 levels deep"):
        document.edit(10_000 * "a." + "b=1")


def test_anchors_and_aliases_of_ordinary_use_keep_working(tmp_path: Path) -> None:
    text = GOOD.replace("tool: jieba", "memory: &much 3GiB").replace("ids:", "ids: {memory: *much}")
    assert [step.placement.memory for step in load(tmp_path, text).steps] == [3 * 2**30, None, 3 * 2**30]


def test_merge_keys_fill_in_what_is_not_there(tmp_path: Path) -> None:
    text = GOOD.replace("{tool: jieba}", "&small {cpu: 1, memory: 1GiB}").replace("ids:", "ids: {cpu: 2, <<: *small}")
    placed = load(tmp_path, text).steps[2].placement
    assert (placed.cpu, placed.memory) == (2, 2**30), "a key of its own goes before one that is merged"
    text = text.replace("<<: *small", "<<: [{memory: 2GiB}, *small]")
    assert load(tmp_path, text).steps[2].placement.memory == 2 * 2**30, "of several the first goes before"


def test_a_mistake_in_what_is_merged_is_said_where_it_is_written(tmp_path: Path) -> None:
    text = GOOD.replace("{tool: jieba}", "&own\n      tool: jieba").replace("ids:", "ids: {<<: *own}")
    assert problems(tmp_path, text)[0].startswith("demo.yaml:8: steps.2.ids.tool: unknown key")
    for wrong in ("<<: 5", "<<: [a]", "<<: ~"):
        assert "`<<` merges a mapping" in problems(tmp_path, GOOD.replace("ids:", f"ids: {{{wrong}}}"))[0]
    twice = GOOD.replace("ids:", "ids: {<<: {cpu: 1}, <<: {cpu: 2}}")
    assert "steps.2.ids.<<: duplicate key" in problems(tmp_path, twice)[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "demo.yaml:1: is empty, `kfp new NAME` writes one to start from"),
        ("# nothing yet\n", "demo.yaml:1: is empty"),
        ("- a\n", "demo.yaml:1: a spec is a mapping"),
        (GOOD + "---\n" + GOOD, "demo.yaml:10: a second document begins here (`---`)"),
        (GOOD.replace("  - ids", "\t- ids"), "demo.yaml:9: not YAML: a tab cannot indent"),
        (GOOD.replace("./store", "a\0b"), "demo.yaml:3: the control character U+0000 is not allowed here"),
        (GOOD.replace("./store", "a\x1b[1mb"), "demo.yaml:3: the control character U+001B is not allowed here"),
        (GOOD.replace("./store", '"a\\0b"'), "demo.yaml:3: store: the value contains the control character U+0000"),
        (GOOD.replace("./store", '"a\\tb"'), "demo.yaml:3: store: the value contains a tab"),
        (GOOD.replace("./store", '"\\ud800"'), "demo.yaml:3: store: the value contains half a character"),
        (GOOD.replace("./store", "|\n  ./store"), "store: the value contains a line break, write it on one line"),
        (GOOD + '"a\\nb": 1\n', "demo.yaml:10: a\\nb: the key contains a line break"),
        (GOOD + "? [a]\n: b\n", "demo.yaml:10: a key is a word"),
        (GOOD.replace("jieba", "!!binary aGk="), "steps.0.segment.tool: `tag:yaml.org,2002:binary` is an unknown"),
        (
            GOOD + "x: !!python/object:os.x {}\n",
            "demo.yaml:10: x: `tag:yaml.org,2002:python/object:os.x` is an unknown",
        ),
        ("%YAML 1.1\n---\n" + GOOD, "this is read as YAML 1.2, remove the line `%YAML ...`"),
    ],
)
def test_what_is_no_spec_is_one_line_each(tmp_path: Path, text: str, said: str) -> None:
    found = problems(tmp_path, text)
    assert any(line.startswith(said) or said in line for line in found), found
    assert all("\n" not in line and "\x1b" not in line for line in found)


@pytest.mark.parametrize(
    "change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t, lambda t: "%YAML 1.2\n---\n" + t]
)
def test_ends_of_lines_and_marks_of_other_systems_change_nothing(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "demo.yaml"
    file.write_bytes(change(GOOD).encode())
    assert [step.name for step in parser.load(file).steps] == ["segment", "vocab", "ids"]
    file.write_bytes(change(GOOD.replace("tool", "tol")).encode())
    with pytest.raises(SpecError, match="tol: unknown key"):
        parser.load(file)


def test_files_that_are_no_text_are_said_and_never_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(b"# " + 2**21 * b"x")
    file.write_bytes(b"version: 1\nname: \xce\xd2\n")
    for name, said in (("pipe", "is a pipe or a device"), ("folder", "is a folder"), ("large", "is larger than 1 MiB"),
                       ("demo.yaml", "demo.yaml:2: cannot be read as UTF-8 text: byte 0xce is not")):  # fmt: skip
        with pytest.raises(SpecError) as caught:
            parser.load(tmp_path / name)
        assert said in str(caught.value) and "\n" not in str(caught.value)
    for encoding in ("utf-16", "utf-16-le"):
        file.write_bytes(GOOD.encode(encoding))
        with pytest.raises(SpecError, match=r"the file is UTF-16, save the file as UTF-8|U\+0000"):
            parser.load(file)


@pytest.mark.parametrize("text", [b"cpus: \xff", b"- 1", b"cpus: &a [*a]", b"a: b: c", b"\0"])
def test_a_site_file_is_read_as_strictly(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "site.yaml").write_bytes(text)
    [said] = problems(tmp_path, GOOD)
    assert said.startswith("site.yaml:1: ")


def test_a_site_that_is_a_pipe_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("ERNIE_JOBS_SITE", str(tmp_path / "pipe"))
    assert "is a pipe or a device, correct $ERNIE_JOBS_SITE" in problems(tmp_path, GOOD)[0]


@pytest.mark.parametrize("edit", ["name={0}", "segment.tool={0}", "segment.{0}=1", "ids.memory={0}", "ids.from={0}",
                                  "ids.require.tokens={0}", "steps={0}", "store=s4://{0}"])  # fmt: skip
def test_no_message_repeats_a_page(tmp_path: Path, edit: str) -> None:
    for said in problems(tmp_path, GOOD, edit.format(900 * "word")):
        assert len(said) < 600, said
    assert len(str(Problem("a", 1, 10_000 * "x", 10_000 * "y"))) < 1400


def test_a_long_list_of_keys_is_cut_with_what_was_left_out(tmp_path: Path) -> None:
    [said] = problems(tmp_path, GOOD + "  - pretrain: {zzzzz: 1}\n")
    assert said.endswith(" and 39 more") and "choose from: micro_batch_size, global_batch_size" in said, "nearest first"


@pytest.mark.parametrize(
    "edit", ["pretrain.max_lr=inf", "store=~nosuchuser/x", "segment.tool=" + 5000 * "[", "x=\udcff"]
)
def test_the_command_ends_with_2_and_no_defect(tmp_path: Path, edit: str) -> None:
    (tmp_path / "demo.yaml").write_text(GOOD + "  - pretrain:\n")
    command = [sys.executable, "-m", "jobs", "plan", "demo.yaml", "--set", edit]
    environment = {**os.environ, "PYTHONPATH": str(Path(parser.__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "defect" not in done.stderr, done.stderr
