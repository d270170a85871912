"""The contract of a component: what follows from its class alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import components
from components.contract import strict
from components.contract.base import Free, Here, In, Many, ManyFiles, Out, Port, Scores, Step
from components.contract.kinds import Ids, Report, Vocab, Words
from components.finetune import Finetune

ROOT = Path(components.__file__).parents[1]
HEAVY = {
    "paddle",
    "numpy",
    "kfp",
    "kubernetes",
    "jieba",
    "rjieba",
    "onnxruntime",
    "fastdeploy",
    "sentencepiece",
    "boto3",
    "obstore",
    "scipy",
}


class Example(Step):
    """Shows the contract."""

    image = "text"

    size: int = 3
    """Changes the result."""
    workers: Free[int] = 2
    """Does not."""

    def run(self, words: Many[Words], vocab: In[Vocab], report: In[Report] | None, ids: Out[Ids], here: Here) -> Scores:
        return {}


def imported(code: str) -> set[str]:
    """The packages that code loads."""
    return {name.partition(".")[0] for name in loaded(code)}


def loaded(code: str) -> set[str]:
    """The modules that code loads."""
    out = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(out.stdout.split())


def test_ports_come_from_the_arguments_of_run() -> None:
    assert Example.ports() == (
        Port("words", "words", "many"),
        Port("vocab", "vocab", "in"),
        Port("report", "report", "in", optional=True),
        Port("ids", "ids", "out"),
    )
    assert Example.makes().kind == "ids"


def test_what_cannot_change_the_result_stays_out_of_the_fingerprint() -> None:
    assert Example(workers=9).settings() == {"size": 3}


def test_a_value_that_the_data_may_replace_counts_as_soon_as_it_is_given() -> None:
    left, given = Finetune(), Finetune(max_answer_length=Finetune().max_answer_length)
    assert "max_answer_length" not in left.settings()
    assert given.settings() == {**left.settings(), "max_answer_length": 30}


def test_a_component_makes_exactly_one_artefact() -> None:
    class Two(Step):
        image = "text"

        def run(self, a: Out[Ids], b: Out[Words], here: Here) -> Scores:
            return {}

    with pytest.raises(TypeError, match="exactly one Out"):
        Two.ports()


def test_a_step_that_reads_files_is_cut_and_says_how() -> None:
    class Cut(Step):
        image = "text"

        def run(self, words: ManyFiles[Words], vocab: In[Vocab], ids: Out[Ids], here: Here) -> Scores:
            return {}

    assert Cut.is_split() and not Example.is_split()
    assert Cut.ports()[0] == Port("words", "words", "many", as_files=True)


@pytest.mark.parametrize("name", components.names())
def test_every_step_that_is_cut_can_be_divided_and_joined(name: str) -> None:
    cls = components.find(name)
    assert cls.is_split() == hasattr(cls, "pieces") == hasattr(cls, "join")


@pytest.mark.parametrize("name", components.names())
def test_the_scores_that_say_most_are_declared_ones_and_shown_first_and_all(name: str) -> None:
    cls = components.find(name)

    def named(pattern: str) -> str:
        return pattern.replace("[a-z]", "x").replace("*", "x")

    given = {named(score.name): 0.5 for score in cls.scores or ()}
    assert set(cls.main_scores) <= given.keys(), "`main_scores` names what `scores` does not declare"
    manifest = dict(sorted(given.items()))
    assert list(components.in_order(name, manifest)[0]) == list(components.in_order(name, given)[0])
    assert list(components.in_order(name, manifest)[0])[: len(cls.main_scores)] == list(cls.main_scores)
    rest = [named(score.name) for score in cls.scores or () if score.name not in cls.main_scores]
    assert list(components.in_order(name, manifest)[0])[len(cls.main_scores) :] == rest
    assert components.in_order("gone", {"b": 1, "a": 2}) == ({"a": 2, "b": 1}, 0)


def test_importing_all_components_pulls_no_heavy_module() -> None:
    assert not imported("import components\nfor n in components.names(): components.find(n).ports()") & HEAVY


def test_checking_a_spec_pulls_no_heavy_module() -> None:
    code = "from pathlib import Path\nfrom jobs.spec import parser\nparser.load(Path('specs/quickstart.yaml'))"
    assert not imported(code) & (HEAVY | {"rich"})


@pytest.mark.parametrize("name", ["quickstart.yaml", "ernie1_pretrain.yaml", "cluster_smoke.yaml"])
def test_a_check_loads_neither_store_nor_text_nor_components_that_the_spec_does_not_use(name: str) -> None:
    command = f"from jobs.cli import main\ntry: main(['check', 'specs/{name}', '--format', 'github'])"
    found = loaded(f"{command}\nexcept SystemExit as end: assert not end.code")
    text = (ROOT / "specs" / name).read_text(encoding="utf-8")
    steps = {component for component in components.names() if f"components.{component}" in found}
    assert steps == {component for component in components.names() if f"- {component}:" in text}
    assert not found & (HEAVY | {"rich", "yaml", "asyncio", "http.client", "ernie_core.store", "jobs.plan.plan"})
    assert not found & {f"ernie_core.text.{file}" for file in ("vocab", "tokenizer", "census", "lines")}


def test_classes_of_settings_are_built_when_they_are_used() -> None:
    code = "import jobs.spec.parser\nfrom jobs.spec.cluster import Cluster\nassert not Cluster.__pydantic_complete__"
    assert "jobs.spec.site" in loaded(code)


def test_meanings_are_those_of_the_source_and_of_the_classes_above() -> None:
    class Longer(Example):
        more: int = 1
        """One more,
        in two lines."""

    found = strict.meanings(Longer)
    assert found["more"] == "One more,\nin two lines." and found["size"] == strict.meanings(Example)["size"]
    made = type("Made", (Example,), {"__annotations__": {"x": int}, "x": 1})
    assert strict.meanings(made) == strict.meanings(Example), "without a source only what is inherited"


def test_ernie_core_names_neither_settings_models_nor_a_cluster() -> None:
    banned = {"pydantic", "yaml", "ruamel", "kfp", "kubernetes", "click", "rich", "jobs", "components"}
    for file in (ROOT / "ernie_core").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not {name.partition(".")[0] for name in names} & banned, file


@pytest.mark.parametrize("name", components.names())
def test_every_component_is_documented(name: str) -> None:
    cls = components.find(name)
    assert cls.__doc__ and cls.image
    assert cls.model_fields.keys() <= strict.meanings(cls).keys(), "a parameter without a docstring"
    assert (ROOT / "images" / cls.image / "requirements.lock").is_file()
