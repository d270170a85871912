"""The built site, `ERNIE_TEST_SITE`: `make docs` builds it and runs this."""

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import ROOT, Html, plain, tables

SITE = Path(os.environ.get("ERNIE_TEST_SITE", "nowhere"))
PAGES = sorted(SITE.rglob("*.html"))
SOURCES = {
    "index": "README.md", "architecture": "ARCHITECTURE.md", "changelog": "CHANGELOG.md", "images": "images/README.md",
    "contributing": "CONTRIBUTING.md", "benchmarks": "benchmarks/README.md", "chart": "charts/ernie-jobs/README.md",
}  # fmt: skip

pytestmark = pytest.mark.skipif("ERNIE_TEST_SITE" not in os.environ, reason="`make docs` builds the site")


def source(page: Path) -> Path:
    """The file that a page is made from."""
    name = page.relative_to(SITE).with_suffix("").as_posix()
    return ROOT / SOURCES.get(name, f"docs/{name}.md")


@pytest.fixture(scope="module")
def built() -> dict[Path, Html]:
    return {page: Html.read(page) for page in PAGES if page.name != "404.html"}


def test_every_row_of_every_table_is_rendered(built: dict[Path, Html]) -> None:
    for page, html in built.items():
        written = [
            [[plain(cell) for cell in row] for row in table] for table in tables(source(page).read_text("utf-8"))
        ]
        assert [[row for row in table if row] for table in html.tables] == [[t[0], *t[2:]] for t in written], page
        broken = [text for text in html.paragraphs if text.startswith("|") or "|---" in text]
        assert not broken, f"{page}: a table that is none: {broken[0]}"


def test_no_cell_of_the_reference_is_empty(built: dict[Path, Html]) -> None:
    found = {page.stem: html for page, html in built.items() if page.parent.name == "reference"}
    assert {"components", "kinds", "datasets", "catalogue", "spec", "site", "commands"} == found.keys()
    for name, html in found.items():
        assert name == "kinds" or html.tables, name
        assert all(all(row) for table in html.tables for row in table), name


def test_links_lead_to_pages_and_anchors(built: dict[Path, Html]) -> None:
    for page, html in built.items():
        for link in (*html.links, *html.loads):
            address = urlsplit(link)
            if address.scheme:
                continue
            target = (page.parent / unquote(address.path)).resolve() if address.path else page
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{page}: {link}"
            if address.fragment and target.suffix == ".html" and target in built:
                assert unquote(address.fragment) in built[target].ids, f"{page}: {link}"


def test_nothing_is_loaded_from_the_network(built: dict[Path, Html]) -> None:
    for page, html in built.items():
        assert not [address for address in html.loads if re.match(r"(?:[a-z]+:)?//", address)], page
        assert "mermaid" not in html.classes, f"{page}: the theme would load a script for diagrams"
    for style in SITE.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", style.read_text(encoding="utf-8")), style
    for picture in SITE.rglob("*.svg"):
        assert not re.search(r"(?:href|src|url\()[=\"'(]*https?:", picture.read_text(encoding="utf-8")), picture


def test_search_finds_text_without_a_server() -> None:
    text = (SITE / "search" / "search_index.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert any("max_rejected" in row["text"] for row in index["docs"])


def test_tools_are_not_on_the_site() -> None:
    assert not [path for path in SITE.rglob("*") if path.suffix in (".py", ".pyc", ".in", ".lock", ".md")]
