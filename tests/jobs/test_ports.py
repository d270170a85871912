"""`from:` by port: `{teacher: a, student: b}` beside names, lists and weights."""

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from machines import ROOT, Machine
from small_spec import GOOD

import components
from components.contract.base import Here, In, Many, Out, Scores, Step
from components.contract.kinds import Finetuned, Ids, Report, Text, Vocab
from jobs import reference
from jobs.plan import graph
from jobs.plan.inputs import Content
from jobs.spec import document, job, parser, schema, wanted
from jobs.spec.problems import SpecError
from jobs.spec.wanted import Binding

TEXT = """\
version: 1
name: demo
store: ./store
inputs:
  a: {finetuned: a/*}
  b: {finetuned: b/*}
  some: {ids: some/*}
  more: {ids: more/*}
  words: {vocab: words/*}
steps:
  - distill:
"""
FORM = "as in `from: {teacher: a, student: b}`, choose from: a, b"


class Distill(Step):
    """Teach a small net what a large one knows."""

    image = "train"

    def run(
        self, teacher: In[Finetuned], student: In[Finetuned], extra: In[Finetuned] | None, ids: Many[Ids] | None,
        words: In[Vocab], report: In[Report] | None, made: Out[Text], here: Here,
    ) -> Scores:  # fmt: skip
        return {}


@pytest.fixture(autouse=True)
def _distill(monkeypatch: pytest.MonkeyPatch) -> None:
    names, find = components.names, components.find
    monkeypatch.setattr(components, "exists", lambda name: name in components.names())
    monkeypatch.setattr(components, "names", lambda: (*names(), "distill"))
    monkeypatch.setattr(components, "find", lambda name: Distill if name == "distill" else find(name))


def load(from_: str | None, text: str = TEXT) -> job.Job:
    return parser.parse(text.replace("distill:", f"distill: {{from: {from_}}}") if from_ else text, "demo.yaml")


def bound(from_: str) -> dict[str, list[str]]:
    return {port: [b.source for b in group] for port, group in load(from_).steps[-1].inputs.items()}


def said(from_: str | None, text: str = TEXT) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(from_, text)
    return [str(problem) for problem in caught.value.problems]


def at_once(from_: str) -> str:
    """The one thing that is said, at the line of `from:`."""
    (one,) = said(from_, TEXT.replace("  more: {ids: more/*}\n", ""))
    place = "demo.yaml:10: steps.0.distill.from"
    assert one.startswith(place)
    return one.removeprefix(place)


IDS = "ids: [some, more]"


def test_two_ports_of_one_kind_are_told_apart_by_name() -> None:
    rest = {"ids": ["some", "more"], "words": ["words"]}
    assert bound(f"{{teacher: a, student: b, {IDS}}}") == {"teacher": ["a"], "student": ["b"], **rest}
    assert bound(f"{{{IDS}, student: [a], teacher: b}}") == {"teacher": ["b"], "student": ["a"], **rest}
    assert bound(f"{{teacher: a, student: a, extra: b, {IDS}}}")["extra"] == ["b"]


def test_a_port_that_takes_many_has_names_or_weights() -> None:
    job = load("{teacher: a, student: b, ids: {some: 5, more: 0.5}}")
    assert job.steps[0].inputs["ids"] == (Binding("some", 5.0), Binding("more", 0.5))


def test_an_empty_list_leaves_a_port_free_that_a_kind_would_have_bound() -> None:
    text = GOOD + "  - pretrain: {max_steps: 5, from: {ids: ids, init: []}}\n"
    assert set(parser.parse(text, "demo.yaml").steps[-1].inputs) == {"ids", "vocab"}
    some = TEXT.replace("  more: {ids: more/*}\n", "  r: {report: r/*}\n")
    assert "report" in load("{teacher: a, student: b}", some).steps[0].inputs
    assert said("{teacher: a, student: b, report: []}", some) == [
        "demo.yaml:8: inputs.r: no step reads `r`, name it in `from:` of `distill`, or remove it"
    ]


def test_without_names_of_ports_the_candidates_and_the_form_are_shown() -> None:
    none = said(None)
    assert f"demo.yaml:11: steps.0.distill: say which `finetuned` is `teacher` and `student`, {FORM}" in none
    assert not [text for text in none if "inputs.a" in text], "what is asked for is not called unread"
    one = TEXT.replace("  b: {finetuned: b/*}\n", "")
    assert "as in `from: {teacher: a, student: a}`, choose from: a" in " ".join(said(None, one))
    assert "needs `finetuned`, but no earlier step or input makes it, there is: some (ids)" in " ".join(
        said(None, one.replace("  a: {finetuned: a/*}\n", ""))
    )


@pytest.mark.parametrize(
    ("from_", "text"),
    [
        ("[b, a, some]", ": say which `finetuned` is `teacher` and `student`, as in "
         "`from: {ids: some, teacher: b, student: a}`, choose from: a, b"),
        ("[b, a, b]", ": say which `finetuned` is `teacher` and `student` and `extra`, as in "
         "`from: {teacher: b, student: a, extra: a}`, choose from: a, b"),
        ("{tutor: a, teacher: a, student: b, ids: some}", ".tutor: `tutor` is not a port of this step, choose from: "
         "extra, ids, report, student, teacher, words"),
        ("{teacher: some, student: b}",
         ".teacher: `some` is `ids`, but `teacher` takes `finetuned`, choose from: a, b"),
        ("{teacher: a, student: b, report: a}",
         ".report: `a` is `finetuned`, but `report` takes `report`, no earlier step or input makes `report`"),
        ("{teacher: [a, b], student: b}",
         ".teacher: `a`, `b` are given to `teacher`, which takes one: choose one of them"),
        ("{teacher: {a: 2}, student: b}", ".teacher: `{'a': 2}` cannot be given to `teacher`, write one name"),
        ("{teacher: a, student: }", ".student: `null` cannot be given to `student`, write one name"),
        ("{teacher: [], student: b}", ".teacher: `teacher` cannot be left empty, choose from: a, b"),
        ("{teacher: a, student: c}", ".student: `c` is not an earlier step or input, choose from: a, b, some, words"),
        ("{teacher: a, student: b, ids: {some: -1}}", ".ids: `{'some': -1}` cannot be given to `ids`, write a name, a "
         "list of names, or names with positive weights"),
        ("{teacher: a, teacher: b}", ".teacher: duplicate key, remove one"),
    ],
)  # fmt: skip
def test_each_mistake_is_said_once_with_its_place_and_the_remedy(from_: str, text: str) -> None:
    assert at_once(from_) == text


def test_what_is_none_of_the_forms_is_told_all_of_them() -> None:
    for wrong in ("7", "[[a]]", "{a: 1, b: true}", "{a: , b: }"):
        assert (
            "demo.yaml:11: steps.0.distill.from: a name, a list of names, a mapping of names to positive weights, or a "
            "mapping of ports to any of these"
        ) in said(wrong)


def test_one_port_that_is_left_is_asked_for_with_what_is_there_already() -> None:
    text = "demo.yaml:11: steps.0.distill: say which `finetuned` is `student`, "
    assert said(f"{{teacher: b, {IDS}}}") == [
        text + "as in `from: {teacher: b, ids: [some, more], student: a}`, choose from: a, b"
    ]


def test_an_unread_input_that_fits_a_free_port_is_told_how_it_would_be_written() -> None:
    more = TEXT.replace("inputs:\n", "inputs:\n  c: {finetuned: c/*}\n")
    assert said(f"{{teacher: a, student: b, {IDS}}}", more) == [
        "demo.yaml:5: inputs.c: no step reads `c`, name it in `from:` of `distill`, as in `{extra: c}`, or remove it"
    ]


names = st.sampled_from(["a", "b"])
groups = st.lists(st.sampled_from(["some", "more"]), min_size=1, max_size=2, unique=True)
weights = st.floats(0.001, 1e6) | st.integers(1, 10**6).map(float)


@given(names, names, st.none() | names, groups, st.lists(weights, min_size=2, max_size=2))
def test_what_is_spelled_by_port_is_bound_as_it_was(
    teacher: str, student: str, extra: str | None, ids: list[str], factors: list[float]
) -> None:
    ports = {"teacher": (Binding(teacher),), "student": (Binding(student),)}
    ports |= {"extra": (Binding(extra),)} if extra else {}
    ports["ids"] = tuple(Binding(name, factor) for name, factor in zip(ids, factors, strict=False))
    value = document.parse(wanted.spelled(ports), "x").value
    assert wanted.is_by_port(value)
    of = {port.name: port for port in Distill.takes()}
    assert {name: wanted.at(of[name], entry) for name, entry in value.items()} == ports


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.text(max_size=4) | st.sampled_from(["teacher", "ids", "a"]), inner, max_size=3),
                    max_leaves=8))  # fmt: skip
def test_whatever_is_written_is_bound_or_told(value: Any) -> None:
    from jobs.spec.bind import Binder

    binder = Binder({"a": "finetuned", "b": "finetuned", "some": "ids", "words": "vocab"})
    ports, problems = binder.bind("distill", Distill, value)
    assert all(len(text) > 10 for _, text in problems)
    assert problems or {"teacher", "student", "words"} <= ports.keys()


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "specs").glob("*.yaml")))
def test_every_spec_of_the_tree_says_the_same_by_port(name: str) -> None:
    file = ROOT / "specs" / name
    job = parser.load(file)
    inputs = {entry: Content(files.kind, ()) for entry, files in job.inputs.items()}
    text = document.parse(file.read_text(encoding="utf-8"), str(file)).value
    assert isinstance(text, dict)
    for entry, step in zip(text["steps"], job.steps, strict=True):
        (component,) = entry
        if step.inputs:
            value = document.parse(wanted.spelled(step.inputs), "x").value
            entry[component] = {**(entry[component] or {}), "from": value}
    again = parser.parse(yaml.safe_dump(text, allow_unicode=True, sort_keys=False), str(file))
    assert [step.inputs for step in again.steps] == [step.inputs for step in job.steps]
    assert graph.work(graph.build(again, inputs)) == graph.work(graph.build(replace(job), inputs))
    assert not list(jsonschema.Draft202012Validator(schema.build()).iter_errors(text))


@pytest.mark.parametrize(
    ("from_", "right"),
    [("{teacher: a, student: [b], ids: {some: 2}, extra: []}", True), ("{some: 2}", True), ("[]", True), ("{}", True),
     ("{tutor: a}", False), ("{teacher: {a: 2}}", False), ("{teacher: [a, b]}", False), ("{teacher: []}", False)],
)  # fmt: skip
def test_the_schema_knows_the_ports_of_each_component(from_: str, right: bool) -> None:
    value = document.parse(TEXT.replace("distill:", f"distill: {{from: {from_}}}"), "demo.yaml").value
    assert (not list(jsonschema.Draft202012Validator(schema.build()).iter_errors(value))) is right


def test_the_reference_names_the_ports_that_are_not_called_as_their_kind() -> None:
    page = reference.pages()["components.md"]
    assert "[`finetuned`](kinds.md#finetuned) as `teacher`, [`finetuned`](kinds.md#finetuned) as `student`" in page
    assert "[`vocab`](kinds.md#vocab), [`model`](kinds.md#model) as `init` (optional)" in page


def test_a_plan_and_an_artefact_say_what_is_read_at_which_port(machine: Machine) -> None:
    machine.spec("  - segment:\n  - vocab:\n  - ids: {from: {words: segment, vocab: vocab}}\n")
    steps = json.loads(machine.kfp("plan", "demo.yaml", "--json").stdout)["steps"]
    assert [step["reads"] for step in steps][1:] == [{"words": ["segment"]}, {"words": ["segment"], "vocab": ["vocab"]}]
