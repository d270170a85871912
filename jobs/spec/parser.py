"""A spec: YAML -> Job. Strict, all errors at once, each with file:line and a remedy."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ernie_core.wording import shorten
from jobs.spec import addresses, bind, document, fields, reading, site, steps
from jobs.spec.document import Document, Edit, Value
from jobs.spec.job import JOB_NAME, STEP_NAME, InputFiles, Job, JobStep
from jobs.spec.problems import Problem, SpecError, unknown, unknown_key

KEYS = ("version", "name", "store", "inputs", "steps")
_START = "`kfp new NAME` writes one to start from"


def load(file: Path, edits: Iterable[Edit] = ()) -> Job:
    """Read and check a spec file. SpecError with every problem; NotFound if there is no such file."""
    from ernie_core.errors import NotFound

    try:
        text = reading.read(file, "name the YAML file of a spec")
    except FileNotFoundError as error:
        raise NotFound(f"no spec at `{file}`; {_START}") from error
    return parse(text, str(file), edits)


def parse(text: str, file: str, edits: Iterable[Edit] = ()) -> Job:
    """Check the text of a spec; `file` is its name in messages and the folder that relative paths start from."""
    edits = tuple(edits)
    doc = document.apply(document.parse(text, file), edits)
    where = site.find(Path(file).parent)
    reader = _SpecReader(doc, where)
    job = reader.job(text)
    if reader.problems or job is None:
        raise SpecError(reader.problems)
    return job


class _SpecReader:
    """Walks a document once and gathers problems instead of stopping at the first."""

    def __init__(self, doc: Document, where: site.Site) -> None:
        self.doc, self.site = doc, where
        self.problems: list[Problem] = []

    def job(self, text: str) -> Job | None:
        top = self.doc.value
        if not isinstance(top, dict):
            empty = f"is empty, {_START}" if top is None else ""
            self._bad((), empty or "a spec is a mapping with `version`, `name`, `store` and `steps`")
            return None
        for key in top.keys() - set(KEYS):
            self._bad((key,), unknown_key(key, KEYS))
        self._version(top.get("version"))
        name = top.get("name")
        if not isinstance(name, str) or not re.fullmatch(JOB_NAME, name):
            not_text = fields.no_text(self.doc, ("name",), name)
            told = f"`{shorten(name)}` is not a job name, use lower-case letters, digits and `-`, 52 at most"
            self._bad(("name",), not_text or told)
        store = self._store(top.get("store"))
        inputs = self._inputs(top.get("inputs"))
        found = self._steps(top.get("steps"), inputs)
        if self.problems:
            return None
        return Job(str(name), store, inputs, found, self.doc.file, text, self.doc.edits, self.site)

    def _version(self, value: Value) -> None:
        if isinstance(value, bool) or value != 1:
            quoted = " without quotes" if value == "1" else ""
            self._bad(("version",), f"`{shorten(value)}` is not a version of this format, write `version: 1`{quoted}")

    def _store(self, value: Value) -> str:
        if value is None and self.site.store:
            return self.site.store
        if not isinstance(value, str) or not value:
            where = "where do artefacts go? name a folder, `file:///...` or `s3://bucket/prefix`"
            self._bad(("store",), fields.no_text(self.doc, ("store",), value) if value is not None else where)
            return ""
        try:
            return addresses.store(value, Path(self.doc.file).parent)
        except ValueError as error:
            self._bad(("store",), str(error))
            return ""

    def _inputs(self, value: Value) -> dict[str, InputFiles]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._bad(("inputs",), "a mapping of names, each `{KIND: files}`")
            return {}
        return {name: entry for name, body in value.items() if (entry := self._input(name, body))}

    def _input(self, name: str, body: Value) -> InputFiles | None:
        path = ("inputs", name)
        if not re.fullmatch(STEP_NAME, name):
            self._bad(path, f"`{shorten(name)}` is not a name, {fields.NAMES}")
        if not isinstance(body, dict) or len(body) != 1:
            self._bad(path, "needs exactly one key, the kind: `{text: corpus/*.txt}`")
            return None
        kind, files = next(iter(body.items()))
        if kind not in fields.kinds():
            self._bad((*path, kind), unknown(kind, fields.kinds(), "is not a kind of artefact"))
            return None
        named = files if isinstance(files, list) else [files]
        if not named or None in named or "" in named or any(isinstance(f, (list, dict)) for f in named):
            self._bad((*path, kind), "name a file, a pattern with `*`, or a list of them")
            return None
        for i, file in enumerate(named):
            place = (*path, kind, i) if isinstance(files, list) else (*path, kind)
            if not isinstance(file, str):
                self._bad(place, fields.no_text(self.doc, place, file))
                continue
            try:
                addresses.check_files(file, name, kind)
            except ValueError as error:
                self._bad(place, str(error))
        return InputFiles(kind, tuple(map(str, named)))

    def _steps(self, value: Value, inputs: Mapping[str, InputFiles]) -> tuple[JobStep, ...]:
        if not isinstance(value, list) or not value:
            self._bad(("steps",), "a list of steps, each a component and its parameters: `- segment: {tool: jieba}`")
            return ()
        broken = any(problem.path.startswith("inputs") for problem in self.problems)
        binder = bind.Binder({name: entry.kind for name, entry in inputs.items()}, complete=not broken)
        reader = steps.Reader(self.doc, binder)
        found = [step for i, item in enumerate(value) if (step := reader.step(("steps", i), item))]
        for path, text in binder.unread():
            self._bad(path, text)
        self.problems += reader.problems
        return tuple(found)

    def _bad(self, path: document.Path, text: str) -> None:
        self.problems.append(self.doc.problem(path, text))
