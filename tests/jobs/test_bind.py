"""What is given or made in a spec is read, or the spec is wrong."""

import jsonschema
import pytest

from jobs.spec import document, parser, schema, template
from jobs.spec.job import Job
from jobs.spec.problems import SpecError

TEXT = """\
version: 1
name: demo
store: ./store
inputs:
  mine: {text: corpus/*.txt}
  base: {model: ernie/*}
steps:
  - segment:
  - vocab: {size: 29000}
  - ids:
  - pretrain:
"""
LABELS = "  labels: {task_data: labels/*}\n"


def load(text: str, *edits: str) -> Job:
    return parser.parse(text, "demo.yaml", [document.edit(e) for e in edits])


def sources(job: Job) -> dict[str, dict[str, list[str]]]:
    """Step -> port -> what is bound to it."""
    return {s.name: {port: [b.source for b in group] for port, group in s.inputs.items()} for s in job.steps}


def problems(text: str, *edits: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(text, *edits)
    return [str(p) for p in caught.value.problems]


def without_base(text: str) -> str:
    return text.replace("  base: {model: ernie/*}\n", "")


def test_a_model_that_no_step_reads_is_an_error_that_says_how_to_begin_with_it() -> None:
    said = ["demo.yaml:6: inputs.base: no step reads `base`, add `from: base` to `pretrain`, or remove it"]
    assert problems(TEXT) == said
    bound = sources(load(TEXT.replace("pretrain:", "pretrain: {from: base}")))["pretrain"]
    assert bound == {"ids": ["ids"], "vocab": ["vocab"], "init": ["base"]}


@pytest.mark.parametrize("chosen", ["ids", "[ids]", "{ids: 2}", "[]"])
def test_a_step_that_has_a_from_is_told_to_name_the_input_in_it(chosen: str) -> None:
    assert problems(TEXT.replace("pretrain:", f"pretrain: {{from: {chosen}}}")) == [
        "demo.yaml:6: inputs.base: no step reads `base`, name it in `from:` of `pretrain`, or remove it"
    ]


def test_an_input_in_whose_place_another_is_read_is_an_error() -> None:
    text = without_base(TEXT).replace("steps:", "  more: {text: more/*.txt}\nsteps:")
    assert problems(text.replace("segment:", "segment: {from: mine}")) == [
        "demo.yaml:6: inputs.more: no step reads `more`, name it in `from:` of `segment` in the place of `mine`, "
        "or remove it"
    ]


def test_an_input_beside_chosen_sources_can_be_one_of_them() -> None:
    text = without_base(TEXT).replace("steps:", "  more: {words: more/*}\nsteps:")
    text = text.replace("29000", "29000, from: segment")
    said = "demo.yaml:6: inputs.more: no step reads `more`, name it in `from:` of `vocab`, or remove it"
    assert problems(text.replace("ids:", "ids: {from: segment}")) == [said]
    text = text.replace("from: segment", "from: [segment, more]").replace("ids:", "ids: {from: segment}")
    assert sources(load(text))["vocab"] == {"words": ["segment", "more"]}


def test_an_input_of_a_kind_that_no_step_takes_is_an_error_that_says_what_they_take() -> None:
    assert problems(without_base(TEXT).replace("steps:", f"{LABELS}steps:")) == [
        "demo.yaml:6: inputs.labels: no step reads `labels`, and none takes `task_data`, remove it; "
        "the steps here take: custom_words, ids, model, text, vocab, words"
    ]
    alone = "version: 1\nname: demo\nstore: s\ninputs: {mine: {text: x}}\nsteps:\n  - snownlp_text:\n"
    assert problems(alone)[0].endswith("the steps here take: nothing")


def test_every_unread_input_is_told_at_once_beside_other_problems() -> None:
    text = TEXT.replace("steps:", f"{LABELS}steps:").replace("pretrain:", "pretrain: {arch: hugge}")
    assert [said.split(": ")[1] for said in problems(text)] == ["inputs.base", "inputs.labels", "steps.3.pretrain.arch"]


@pytest.mark.parametrize(
    "change",
    [
        ("ids:", "idz:"),
        ("  - ids:", "  - ids: 7"),
        ("  - ids:", "  - 7"),
        ("pretrain:", "pretrain: {from: bsae}"),
        ("pretrain:", "pretrain: {from: mine}"),
        ("pretrain:", "pretrain: {from: [7]}"),
        ("pretrain:", "pretrain: {as: base}"),
        ("{text: corpus/*.txt}", "{txt: corpus/*.txt}"),
    ],
)
def test_nothing_is_called_unread_while_it_is_in_doubt_what_steps_read(change: tuple[str, str]) -> None:
    assert not [said for said in problems(TEXT.replace(*change)) if "no step reads" in said]


def test_candidates_that_are_asked_for_are_not_called_unread_too() -> None:
    text = without_base(TEXT).replace("steps:", "  more: {text: more/*.txt}\nsteps:")
    assert [said.partition(": needs")[0] for said in problems(text)] == ["demo.yaml:8: steps.0.segment"]


def test_a_model_that_a_training_could_have_begun_with_is_told_beside_the_choice_of_a_later_step() -> None:
    text = TEXT.replace("steps:", f"{LABELS}steps:") + "  - finetune:\n"
    assert problems(text) == [
        "demo.yaml:6: inputs.base: no step reads `base`, add `from: base` to `pretrain`, or remove it",
        "demo.yaml:13: steps.4.finetune: needs one `model`, but there are several: base, pretrain, choose with `from:`",
    ]
    found = sources(load(text.replace("pretrain:", "pretrain: {from: base}")))
    assert found["finetune"]["model"] == ["pretrain"], "one remedy cures both"
    load(text.replace("finetune:", "finetune: {from: base}"))


def test_a_model_that_is_left_lying_before_a_training_is_asked_for() -> None:
    text = without_base(TEXT).replace("pretrain:", "pretrain: {as: first}") + "  - pretrain: {as: second}\n"
    assert problems(text) == [
        "demo.yaml:11: steps.4.pretrain: no step reads `first`, add `from: first` to continue from it, "
        "or `from: []` to start without it"
    ]
    on, anew = (sources(load(text.replace("second", f"second, from: {way}")))["second"] for way in ("first", "[]"))
    assert on == {"ids": ["ids"], "vocab": ["vocab"], "init": ["first"]}
    assert anew == {"ids": ["ids"], "vocab": ["vocab"]}
    assert sources(load(text, "second.from=[]"))["second"] == anew
    third = text.replace("second", "second, from: []") + "  - pretrain: {as: third}\n"
    assert "no step reads `first` or `second`, add `from: first` or `from: second` to continue" in problems(third)[0]


def test_a_model_that_some_step_reads_may_stand_before_a_training_that_begins_anew() -> None:
    text = without_base(TEXT).replace("steps:", f"{LABELS}steps:").replace("pretrain:", "pretrain: {as: first}")
    text += "  - finetune: {from: first}\n  - pretrain: {as: second}\n"
    assert "init" not in sources(load(text))["second"]


def test_what_a_last_step_makes_need_not_be_read() -> None:
    assert [step.name for step in load(without_base(TEXT)).steps] == ["segment", "vocab", "ids", "pretrain"]


def test_the_spec_of_kfp_new_reads_all_its_inputs() -> None:
    assert load(template.spec("mine")).inputs.keys() == {"corpus", "labels"}


def test_the_schema_knows_an_empty_from() -> None:
    value = document.parse(TEXT.replace("pretrain:", "pretrain: {from: []}"), "demo.yaml").value
    assert not list(jsonschema.Draft202012Validator(schema.build()).iter_errors(value))
