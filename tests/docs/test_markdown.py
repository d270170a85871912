"""The documentation as files of the tree: links, tables, and code blocks that are what they say."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import click
import pytest
from pages import FILES, NAMES, ROOT, anchors, code, links, tables

import components
from jobs import reference
from jobs.cli import commands, stock
from jobs.spec import parser, site

ROOT_FILES = ["LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "ARCHITECTURE.md"]
EACH = pytest.mark.parametrize("file", FILES, ids=NAMES)


def blocks(language: str) -> list[tuple[str, str]]:
    """Code blocks of a language in all pages, each with the name of its page."""
    found = [(name, block) for name, file in zip(NAMES, FILES, strict=True) for block in code(file.read_text("utf-8"))]
    return [(name, block.text) for name, block in found if block.language == language]


@EACH
def test_links_lead_to_files_and_anchors_that_exist(file: Path) -> None:
    for link in links(file.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.exists(), f"{file.name}: {link}"
        assert target.is_relative_to(ROOT), f"{file.name}: {link} leaves the tree"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{file.name}: {link}"


@EACH
def test_rows_of_tables_are_whole(file: Path) -> None:
    for head, dashes, *rows in tables(file.read_text(encoding="utf-8")):
        assert all(re.fullmatch(r":?-+:?", cell) for cell in dashes), f"{file.name}: {head} has no row of dashes"
        for row in (dashes, *rows):
            assert len(row) == len(head), f"{file.name}: {row} has other columns than {head}"
    for line in file.read_text(encoding="utf-8").splitlines():
        assert not line.startswith("|") or line.rstrip().endswith("|"), f"{file.name}: {line} goes on in the next line"


def test_the_generated_pages_are_those_of_this_version() -> None:
    made = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert made == reference.pages()


def test_every_parameter_has_a_row_in_the_reference() -> None:
    page = reference.pages()["components.md"]
    for text in page.split("\n## ")[1:]:
        cls = components.find(text.partition("\n")[0].strip("`"))
        rows = {row[0].strip("`"): row for table in tables(text) for row in table if len(row) == 4}
        for key, field in cls.model_fields.items():
            assert reference.cell(field.description or "").split("|")[0] in "|".join(rows[key]), key


def test_complete_specs_are_right(tmp_path: Path) -> None:
    found = [(name, text) for name, text in blocks("yaml") if "version: 1" in text and "steps:" in text]
    assert len(found) >= 5
    for name, text in found:
        known = "\n".join(line for line in text.splitlines() if not line.startswith("  - drop_short"))
        parser.parse(known, str(tmp_path / Path(name).with_suffix(".yaml").name))


def test_the_site_file_is_right(tmp_path: Path) -> None:
    (text,) = (text for _, text in blocks("yaml") if text.startswith("store:") and "cluster:" in text)
    (tmp_path / "site.yaml").write_text(text, encoding="utf-8")
    assert site.read(tmp_path / "site.yaml").cluster


def test_commands_and_their_options_exist() -> None:
    lines = [line for text in (*blocks(""), *blocks("text")) for line in text[1].splitlines()]
    lines += re.findall(
        r"`(kfp [^`]+)`", "".join(file.read_text("utf-8") for file in FILES if file.name != "commands.md")
    )
    root, seen = click.Context(commands.group()), set()
    for line in lines:
        found = re.match(r"(?:\$ )?kfp ([a-z][a-z-]*)([^|<>&]*)", line)
        if not found or (stock.known(found[1]) and found[1] != "run"):
            continue
        command = commands.group().get_command(root, found[1])
        assert command, line
        known = {name for param in command.params for name in param.opts} | {"--help"}
        words = shlex.split(re.sub(r"\$\(.*?\)", "", found[2]).partition(" #")[0].replace("'", "").replace('"', ""))
        assert {word.partition("=")[0] for word in words if word.startswith("-") and word != "--"} <= known, line
        seen.add(found[1])
    assert seen == set(commands.COMMANDS), "every command is shown somewhere"


def test_the_example_of_a_step_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = code((ROOT / "docs/extending/step.md").read_text("utf-8"))
    shown = {block.more.removeprefix(' title="').rstrip('"'): block.text for block in found}
    step, test = (shown[name] for name in ("components/drop_short.py", "tests/components/test_drop_short.py"))
    head, _, _ = step.partition("class DropShort")
    extra = (
        "from collections.abc import Sequence\nfrom pathlib import Path\nfrom components.contract.base import Files\n"
    )
    split = f"{head}{extra}from ernie_core.errors import Stopped\n\n\n{shown['split']}"
    for name, text in (("plain", step), ("split", split)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        place = importlib.util.spec_from_file_location("components.drop_short", tmp_path / f"{name}.py")
        assert place and place.loader
        module = importlib.util.module_from_spec(place)
        monkeypatch.setitem(sys.modules, "components.drop_short", module)
        place.loader.exec_module(module)
        assert module.DropShort.is_split() == (name == "split")
        if name == "plain":
            space: dict[str, object] = {}
            exec(compile(test, "example", "exec"), space)
            work = tmp_path / "work"
            work.mkdir()
            next(value for key, value in space.items() if key.startswith("test_"))(work)  # type: ignore[operator]


def test_the_readme_is_short_and_its_pictures_are_small() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert 120 <= len(text.splitlines()) <= 180
    assert "make test" in text and "make test-cluster" in text
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert picture.stat().st_size < 150_000, picture.name


@pytest.mark.parametrize("name", ROOT_FILES)
def test_the_root_files_are_there(name: str) -> None:
    assert (ROOT / name).is_file()
