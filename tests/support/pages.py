"""Pages of the documentation: the Markdown files of the tree with their links, tables and code, and the built HTML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted(
    [
        *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(ROOT / name for name in ("benchmarks/README.md", "charts/ernie-jobs/README.md", "images/README.md")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
NAMES = [str(file.relative_to(ROOT)) for file in FILES]
_FENCE = re.compile(r"^ *```(\S*)(.*)$")
_LINK = re.compile(r"\[(?:[^\[\]]|!?\[[^\]]*\](?:\([^)]*\))?)*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Code:
    """A fenced block: its language, what stands behind that, and its text."""

    language: str
    more: str
    text: str


def prose(text: str) -> list[str]:
    """The lines of a page, those of code blocks empty."""
    lines, inside = [], False
    for line in text.splitlines():
        fence = _FENCE.match(line)
        inside = inside != bool(fence)
        lines.append("" if inside or fence else line)
    return lines


def code(text: str) -> Iterator[Code]:
    """The fenced blocks of a page."""
    found: tuple[str, str] | None = None
    lines: list[str] = []
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if fence and found:
            yield Code(*found, "\n".join(lines) + "\n")
            found = None
        elif fence:
            found, lines = (fence[1], fence[2]), []
        else:
            lines.append(line)
    assert found is None, "a code block without an end"


def links(text: str) -> Iterator[str]:
    """Targets of links and pictures."""
    for line in prose(text):
        bare = re.sub(r"`[^`]*`", "``", line)
        while found := _LINK.search(bare):  # a picture may be the text of a link
            yield found[1]
            bare = bare.replace(f"]({found[1]})", "]", 1) if "[!" in found[0] else bare[found.end() :]


def anchors(text: str) -> set[str]:
    """What the headings of a page can be linked by."""
    found: set[str] = set()
    for line in prose(text):
        if head := re.match(r"#+ (.*)", line):
            slug = re.sub(r"[^\w\- ]", "", plain(head[1]).lower()).replace(" ", "-")
            found.add(next(s for n in range(99) if (s := f"{slug}-{n}" if n else slug) not in found))
    return found


def cells(row: str) -> list[str]:
    """The cells of a row, as a forge divides it: at every bar that is not escaped, be it in code or not."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().removeprefix("|").removesuffix("|"))]


def tables(text: str) -> list[list[list[str]]]:
    """Tables of a page as rows of cells; a row of dashes is the second one."""
    found: list[list[list[str]]] = []
    open_ = False
    for line in prose(text):
        if line.lstrip().startswith("|"):
            found += [] if open_ else [[]]
            found[-1].append(cells(line))
        open_ = line.lstrip().startswith("|")
    return found


def plain(text: str) -> str:
    """Markdown without its marks."""
    text = re.sub(r"!?\[([^\[\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(?<!\w)\*+([^*]+)\*+(?!\w)", r"\1", text)
    return " ".join(text.replace("`", "").replace("\\|", "|").split())


@dataclass
class Html(HTMLParser):
    """A built page: ids, links, what it loads, tables, and the text of paragraphs."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._text: list[str] | None = None

    @classmethod
    def read(cls, file: Path) -> "Html":
        page = cls()
        page.feed(file.read_text(encoding="utf-8"))
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.classes |= set(given.get("class", "").split())
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.loads += [given[name] for name in ("src", "srcset", "data") if given.get(name) and tag != "input"]
        if tag == "link" and given.get("rel") not in ("prev", "next", "canonical"):
            self.loads.append(given["href"])
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th", "p"):
            self._text = []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "p") and self._text is not None:
            text, self._text = " ".join("".join(self._text).split()), None
            (self.paragraphs if tag == "p" else self.tables[-1][-1]).append(text)
