"""What the commands print, and with which code they end."""

import json

import jsonschema
import pytest
from machines import ROOT, Machine

from jobs.spec import document, schema

BAD = "  - segment: {tool: hmm}\n  - vocb:\n"


def test_check_prints_every_problem_and_ends_with_2(machine: Machine) -> None:
    machine.spec(BAD)
    done = machine.kfp("check", "demo.yaml", check=2)
    assert done.stdout.splitlines() == [
        "demo.yaml:7: steps.0.segment.tool: `hmm` is not a tool, choose from: jieba, lac, seg",
        "demo.yaml:8: steps.1.vocb: `vocb` is not a component, did you mean `vocab`?",
    ]


def test_check_writes_annotations_for_a_pull_request(machine: Machine) -> None:
    machine.spec(BAD)
    first = machine.kfp("check", "demo.yaml", "--format", "github", check=2).stdout.splitlines()[0]
    assert (
        first
        == "::error file=demo.yaml,line=7::steps.0.segment.tool: `hmm` is not a tool, choose from: jieba, lac, seg"
    )


def test_check_and_plan_speak_json(machine: Machine) -> None:
    machine.spec(BAD)
    problems = json.loads(machine.kfp("check", "demo.yaml", "--json", check=2).stdout)["problems"]
    assert [(p["line"], p["path"]) for p in problems] == [(7, "steps.0.segment.tool"), (8, "steps.1.vocb")]
    machine.spec("  - segment:\n")
    plan = json.loads(machine.kfp("plan", "demo.yaml", "--json").stdout)
    assert plan["steps"][0]["state"] == "run" and not plan["done"]


def test_a_spec_that_is_not_there_ends_with_3(machine: Machine) -> None:
    assert "`kfp new NAME` writes one" in machine.kfp("run", "nowhere.yaml", check=3).stderr


def test_wrong_words_end_with_2_and_name_the_help(machine: Machine) -> None:
    assert "--help" in machine.kfp("check", check=2).stderr


def test_new_writes_a_spec_that_is_right(machine: Machine) -> None:
    machine.kfp("new", "mine")
    assert "valid" in machine.kfp("check", "specs/mine.yaml").stdout
    assert (machine.folder / "specs" / "schema.json").is_file()
    assert "exists already" in machine.kfp("new", "mine", check=4).stderr


def test_no_color_and_pipes_give_plain_text(machine: Machine) -> None:
    machine.spec("  - segment:\n")
    machine.environment = {"NO_COLOR": "1"}
    done = machine.kfp("run", "demo.yaml")
    assert "\x1b" not in done.stdout + done.stderr


def test_the_schema_accepts_every_spec_of_the_tree_and_refuses_mistakes() -> None:
    validator = jsonschema.Draft202012Validator(schema.build())
    for file in sorted((ROOT / "specs").glob("*.yaml")):
        assert not list(validator.iter_errors(document.parse(file.read_text(encoding="utf-8"), str(file)).value)), file
    wrong = {"version": 1, "name": "x", "store": "s", "steps": [{"segment": {"tol": "jieba"}}]}
    assert list(validator.iter_errors(wrong))


@pytest.mark.parametrize(
    ("body", "right"),
    [
        ({"sweep": {"max_lr": [1e-3, 1e-4]}, "best": "min train_loss", "shards": 2}, True),
        ({"sweep": [{"max_lr": 1e-3}, {"seed": 2}], "best": "min train_loss"}, True),
        ({"sweep": {"max_lr": [1e-3]}}, False),
        ({"best": "min train_loss"}, False),
        ({"shards": 2}, False),
        ({"sweep": {"max_lr": []}, "best": "min train_loss"}, False),
        ({"sweep": {"rate": [1]}, "best": "min train_loss"}, False),
        ({"sweep": {"max_lr": [1e-3]}, "best": "train_loss"}, False),
    ],
)
def test_the_schema_knows_sweeps(body: dict[str, object], right: bool) -> None:
    spec = {"version": 1, "name": "x", "store": "s", "steps": [{"pretrain": body}]}
    assert jsonschema.Draft202012Validator(schema.build()).is_valid(spec) == right


def test_the_schema_of_the_tree_is_that_of_this_version() -> None:
    assert json.loads((ROOT / "specs" / "schema.json").read_text(encoding="utf-8")) == schema.build()


def test_predict_ends_with_the_exit_codes_of_the_command_line(machine: Machine) -> None:
    (machine.folder / "package").mkdir()
    (machine.folder / "package" / "serving.json").write_text("{}")
    machine.kfp("predict", "package", "好", check=1)
