"""Pages of the site that are files outside docs/, and links as both the tree and the site understand them.

A page links to files as they lie in the tree, so that it can be read there too. On the site a link to a file that is a
page becomes a link to that page; of a link to any other file only its text remains.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "charts/ernie-jobs/README.md": "chart.md",
    "images/README.md": "images.md",
}
"""File of the tree -> page of the site; every other page lies in docs/ under its own name."""
SOURCES = {page: file for file, page in PAGES.items()}
_FENCE = re.compile(r"(^ *```.*?^ *```[^\n]*$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
_TO = r"\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)"
_IMAGE = re.compile(r"!\[(?P<text>[^\]]*)\]" + _TO)
_LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|!?\[[^\]]*\](?:\([^)]*\))?)*)\]" + _TO)


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages from outside docs/."""
    for file, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / file).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: Any, files: Files) -> str:
    """Links between files of the tree become links between pages."""
    uri = page.file.src_uri
    source = posixpath.dirname(SOURCES.get(uri, f"docs/{uri}"))
    parts = _FENCE.split(markdown)
    return "".join(part if i % 2 else _relink(part, source, posixpath.dirname(uri)) for i, part in enumerate(parts))


def _relink(text: str, source: str, page: str) -> str:
    def replace(link: re.Match[str]) -> str:
        target, anchor, mark = link["target"], link["anchor"] or "", "!" if link.re is _IMAGE else ""
        file = posixpath.normpath(posixpath.join(source, target))
        if ":" not in target and (file in PAGES or file.startswith("docs/")):
            there = PAGES.get(file, file.removeprefix("docs/"))
            return f"{mark}[{link['text']}]({posixpath.relpath(there, page or '.')}{anchor})"
        return link["text"] if ":" not in target and (ROOT / file).exists() else link[0]

    return _LINK.sub(replace, _IMAGE.sub(replace, text))  # a picture may be the text of a link
