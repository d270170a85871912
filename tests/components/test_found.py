"""Which files of `components/` are components, and what is said of one that is none."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import components
from ernie_core.errors import Error
from jobs.spec import parser
from jobs.spec.problems import SpecError

GOOD = '''"""A step."""

from pathlib import Path

from components.contract.base import Here, Out, Scores, Step
from components.contract.kinds import Text


class Mine(Step):
    """Writes nothing."""

    image = "text"

    def run(self, text: Out[Text], here: Here) -> Scores:
        return {}
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for components, in which those of the tree are found too."""
    monkeypatch.setattr(components, "FOLDER", tmp_path)
    monkeypatch.setattr(components, "__path__", [str(tmp_path), *components.__path__])
    before = set(sys.modules)
    _forget()
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]
    _forget()


def _forget() -> None:
    for found in (components.names, components.find, components._defines_step):
        found.cache_clear()


def said(name: str) -> str:
    """What a spec with this step is told."""
    with pytest.raises(SpecError) as caught:
        parser.parse(f"version: 1\nname: x\nstore: ./s\nsteps:\n  - {name}:\n", "x.yaml")
    [problem] = caught.value.problems
    assert problem.line == 5
    return problem.text


def test_a_helper_is_no_component() -> None:
    assert "__main__" not in components.names()
    told = "`__main__` is not a component (components/__main__.py is a helper, no class in it is a `Step`)"
    assert told in said("__main__")


@pytest.mark.parametrize("name", ["contract", "runtime", "launch"])
def test_a_folder_is_no_component(name: str) -> None:
    assert name not in components.names()
    assert f"`{name}` is not a component" in (text := said(name)) and "helper" not in text


@pytest.mark.parametrize(
    "text",
    ['"""A helper."""\n\n\ndef twice(x: int) -> int:\n    return 2 * x\n', "class Step: ...\n",
     "class Other(dict): ...\n", "# class X(Step):\n", ""],
)  # fmt: skip
def test_a_file_without_a_step_is_no_component(folder: Path, text: str) -> None:
    (folder / "mine.py").write_text(text)
    assert components.names() == ()
    assert "components/mine.py is a helper, no class in it is a `Step`" in said("mine")
    with pytest.raises(KeyError):
        components.find("mine")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("text: Out[Text], ", "", "Mine.run must have exactly one Out argument"),
        ("text: Out[Text]", "text: Out[Text], more: Out[Text]", "Mine.run must have exactly one Out argument"),
        ("def run", "def walk", "Mine has no `run`"),
        ('    image = "text"\n', "", "Mine has no `image`"),
        ("components.contract.kinds import Text", "components.contract.kinds import Txt", "cannot import name 'Txt'"),
        ("return {}", "return {}\n\n\nraise RuntimeError", "RuntimeError"),
        ("text: Out[Text], ", "more: Path, text: Out[Text], ", "Mine.run: `more` is neither `Here` nor an artefact"),
        (
            "text: Out[Text], ",
            "text: Out, ",
            "Mine.run: `text` is neither `Here` nor an artefact such as In[Text]: say",
        ),
        (
            "Out[Text]",
            "Out[str]",
            "<class 'str'> is not a kind of artefact, name a class of components/contract/kinds.py",
        ),
        ("return {}", "return {}\n\n\ndel Mine", "no class of this file is a `Step` when it is loaded"),
        ('    image = "text"\n', '    image = "text"\n    more: "Nowhere" = 1\n', "Nowhere"),
    ],
)
def test_a_step_that_is_not_whole_is_named_with_its_file(folder: Path, old: str, new: str, what: str) -> None:
    (folder / "mine.py").write_text(GOOD.replace(old, new))
    text = said("mine")
    assert text.startswith("components/mine.py cannot be used as a component: ") and what in text and "\n" not in text


def test_a_file_that_is_not_python_is_named_and_breaks_nothing_else(folder: Path) -> None:
    (folder / "mine.py").write_text("class Mine(Step:\n")
    assert components.names() == ()
    assert "components/mine.py is not Python" in said("mine")


def test_a_step_may_derive_from_another_component(folder: Path) -> None:
    (folder / "mine.py").write_text(GOOD)
    (folder / "yours.py").write_text("from components.mine import Mine\n\n\nclass Yours(Mine):\n    '''More.'''\n")
    assert components.names() == ("mine", "yours")
    assert components.find("yours").makes().kind == "text"


def test_a_component_that_returns_other_scores_than_it_declares_is_told_so() -> None:
    step = components.find("evaluate")()
    whole = {"accuracy": 1.0, "macro_f1": 1.0, "loss": 0.1, "examples": 3.0}
    assert not components.mismatch(step, whole, [])
    less = components.mismatch(step, {k: v for k, v in whole.items() if k != "loss"}, [])
    assert less == "components/evaluate.py: Evaluate declares loss, which it did not return: correct its `scores`"
    assert "returned f2, which it does not declare" in components.mismatch(step, {**whole, "f2": 1.0}, [])


def test_a_component_cannot_be_asked_for_by_a_path() -> None:
    for name in ("../components/ids", "launch", "ids.py", "IDS"):
        assert not components.not_one(name)
    with pytest.raises(SpecError, match="is not a component"):
        parser.parse("version: 1\nname: x\nstore: ./s\nsteps:\n  - ../ids\n", "x.yaml")
    assert issubclass(SpecError, Error)
