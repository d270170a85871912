"""Specs: what is accepted, and what is said of what is not."""

from pathlib import Path

import pytest
from small_spec import GOOD, load, problems

from jobs.spec import document, parser
from jobs.spec.problems import SpecError


def test_a_spec_becomes_a_job_whose_ports_are_bound_by_kind(tmp_path: Path) -> None:
    job = load(tmp_path, GOOD)
    assert [step.name for step in job.steps] == ["segment", "vocab", "ids"]
    assert {port: [b.source for b in group] for port, group in job.steps[2].inputs.items()} == {
        "words": ["segment"],
        "vocab": ["vocab"],
    }
    assert job.store == str(tmp_path / "store"), "a relative store starts from the spec's folder"


def test_five_errors_are_reported_at_once_each_with_its_line_and_a_remedy(tmp_path: Path) -> None:
    text = """\
version: 1
name: Demo 1
store: ./store
inputs:
  mine: {txt: corpus/*.txt}
steps:
  - segment: {tool: jiebba}
  - vocab: {siz: 9000}
  - idz:
"""
    assert problems(tmp_path, text) == [
        "demo.yaml:2: name: `Demo 1` is not a job name, use lower-case letters, digits and `-`, 52 at most",
        "demo.yaml:5: inputs.mine.txt: `txt` is not a kind of artefact, did you mean `text`?",
        "demo.yaml:7: steps.0.segment.tool: `jiebba` is not a tool, did you mean `jieba`?",
        "demo.yaml:8: steps.1.vocab.siz: unknown key, did you mean `size`?",
        "demo.yaml:9: steps.2.idz: `idz` is not a component, did you mean `ids`?",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\nname: [", "demo.yaml:2: not YAML"),
        ("- a\n- b\n", "demo.yaml:1: a spec is a mapping"),
        (GOOD.replace("version: 1", "version: 7"), "demo.yaml:1: version: `7` is not a version of this format"),
        (GOOD + "name: again\n", "demo.yaml:10: name: duplicate key"),
        (GOOD.replace("store: ./store", "store: ftp://x/y"), "demo.yaml:3: store: `ftp://x/y` is not a store"),
        (GOOD.replace("size: 29000", "size: many"), "demo.yaml:8: steps.1.vocab.size: `many` is not a whole number"),
        (GOOD.replace("ids:", "ids: {cpu: 0}"), "demo.yaml:9: steps.2.ids.cpu: `0` must be at least 1"),
        (
            GOOD.replace("ids:", "ids: {memory: 3 apples}"),
            "demo.yaml:9: steps.2.ids.memory: `3 apples` is not a size such as 500MB or 10GiB",
        ),
        (
            GOOD.replace("ids:", "ids: {from: segmnt}"),
            "demo.yaml:9: steps.2.ids.from: `segmnt` is not an earlier step or input, did you mean `segment`?",
        ),
        (
            GOOD.replace("ids:", "ids: {from: mine}"),
            "demo.yaml:9: steps.2.ids.from: `mine` is `text`, but this step takes: words, vocab",
        ),
        (
            GOOD.replace("ids:", "ids: {require: {tokens: much}}"),
            "demo.yaml:9: steps.2.ids.require.tokens: `much` is not a bound",
        ),
        (
            GOOD + "  - pretrain: {arch: hugge}\n",
            "demo.yaml:10: steps.3.pretrain.arch: `hugge` is not allowed: Model shape: large, base,",
        ),
        (
            GOOD + "  - pretrain: {min_lr: 0.1}\n",
            "demo.yaml:10: steps.3.pretrain: min_lr 0.1 is above max_lr 0.0001: lower min_lr",
        ),
        (
            GOOD.replace("ids:", "segment:"),
            "demo.yaml:9: steps.2.segment.as: `segment` is already the name of an earlier step or input",
        ),
    ],
)
def test_each_mistake_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert any(p.startswith(said) for p in problems(tmp_path, text)), problems(tmp_path, text)


def test_two_candidates_for_a_port_are_an_error_that_from_decides(tmp_path: Path) -> None:
    text = GOOD.replace("  - vocab", "  - segment: {as: more}\n  - vocab")
    assert (
        "steps.2.vocab: needs one `words`, but there are several: segment, more, choose with `from:`"
        in problems(tmp_path, text)[0]
    )
    chosen = text.replace("size: 29000", "size: 29000, from: [more, segment]").replace("ids:", "ids: {from: more}")
    job = load(tmp_path, chosen)
    assert [b.source for b in job.steps[2].inputs["words"]] == ["more", "segment"]
    assert [b.source for b in job.steps[3].inputs["words"]] == ["more"]


def test_a_kind_that_nothing_makes_is_an_error_that_says_what_there_is(tmp_path: Path) -> None:
    text = GOOD.replace("  - vocab: {size: 29000}\n", "")
    assert problems(tmp_path, text) == [
        "demo.yaml:8: steps.1.ids: needs `vocab`, but no earlier step or input makes it, "
        "there is: mine (text), segment (words)"
    ]


def test_weights_are_given_with_from(tmp_path: Path) -> None:
    text = (
        GOOD.replace("  - vocab", "  - segment: {as: more}\n  - vocab")
        .replace("size: 29000", "from: {more: 7, segment: 0.5}")
        .replace("ids:", "ids: {from: more}")
    )
    assert [(b.source, b.weight) for b in load(tmp_path, text).steps[2].inputs["words"]] == [
        ("more", 7.0),
        ("segment", 0.5),
    ]


def test_set_edits_the_spec_and_is_recorded(tmp_path: Path) -> None:
    job = load(tmp_path, GOOD, "vocab.size=25000", "name=other")
    assert (job.steps[1].step.size, job.name) == (25000, "other")  # type: ignore[attr-defined]
    assert [str(e) for e in job.edits] == ["vocab.size=25000", "name=other"]
    assert job.digest != load(tmp_path, GOOD).digest


def test_set_by_the_name_of_a_component_edits_all_of_its_steps_that_have_other_names(tmp_path: Path) -> None:
    def sizes(text: str) -> dict[str, int]:
        steps = load(tmp_path, text, "vocab.size=25000").steps
        return {step.name: step.step.size for step in steps if step.component == "vocab"}  # type: ignore[attr-defined]

    more = "  - vocab: {as: other, from: segment, size: 24000}\n"
    text = GOOD.replace("  - ids:\n", more)
    assert sizes(text) == {"vocab": 25000, "other": 24000}, "a step of that name is meant alone"
    assert sizes(text.replace("vocab: {size", "vocab: {as: first, size")) == {"first": 25000, "other": 25000}


def test_a_wrong_edit_is_told_like_a_wrong_line(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD, "vocab.sze=5") == ["--set: steps.1.vocab.sze: unknown key, did you mean `size`?"]
    with pytest.raises(SpecError, match=r"write it as --set step\.parameter=value"):
        document.edit("vocab.size")


def test_a_site_file_gives_the_store_and_is_checked_as_strictly(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("store: s3://bucket/x\n")
    assert load(tmp_path, GOOD.replace("store: ./store\n", "")).store == "s3://bucket/x"
    (tmp_path / "site.yaml").write_text("stor: s3://bucket/x\n")
    assert "site.yaml:1: stor: unknown key, did you mean `store`?" in problems(tmp_path, GOOD)[0]


def test_a_spec_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(SpecError, match="cannot be read as UTF-8"):
        parser.load(tmp_path / "demo.yaml")


def test_a_training_goes_on_from_another_model_only_if_it_is_told_to(tmp_path: Path) -> None:
    text = (
        GOOD + "  - pretrain: {as: first}\n  - pretrain: {as: second}\n  - pretrain: {as: third, from: [ids, first]}\n"
    )
    steps = {step.name: step for step in load(tmp_path, text).steps}
    assert "init" not in steps["second"].inputs
    assert [b.source for b in steps["third"].inputs["init"]] == ["first"]
