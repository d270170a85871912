"""The contract of a component: what follows from its class alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import components
from components.base import Free, Here, In, Many, ManyFiles, Out, Port, Scores, Step
from components.kinds import Ids, Report, Vocab, Words

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
    out = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in out.stdout.split()}


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

    assert Cut.is_cut() and not Example.is_cut()
    assert Cut.ports()[0] == Port("words", "words", "many", as_files=True)


@pytest.mark.parametrize("name", components.names())
def test_every_step_that_is_cut_can_be_divided_and_joined(name: str) -> None:
    cls = components.find(name)
    assert cls.is_cut() == hasattr(cls, "pieces") == hasattr(cls, "join")


def test_importing_all_components_pulls_no_heavy_module() -> None:
    assert not imported("import components\nfor n in components.names(): components.find(n).ports()") & HEAVY


def test_checking_a_spec_pulls_no_heavy_module() -> None:
    code = "from pathlib import Path\nfrom jobs import spec\nspec.load(Path('specs/quickstart.yaml'))"
    assert not imported(code) & (HEAVY | {"rich"})


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
    assert [key for key, field in cls.model_fields.items() if not field.description] == [], (
        "a parameter without a docstring"
    )
    assert (ROOT / "images" / cls.image / "requirements.lock").is_file()
