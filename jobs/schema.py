"""The JSON schema of specs, for editors, and the reference of all components: both from the classes alone."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel

import components
from components import kinds as kinds_of
from components.base import FREE, Step
from jobs import fields
from jobs.site import Site
from jobs.spec import JOB_NAME, STEP_NAME, Placement, placement_keys

_SHARED: Mapping[str, Any] = {
    "as": {
        "type": "string",
        "pattern": f"^{STEP_NAME}$",
        "description": "Another name, if the component is used twice.",
    },
    "from": {
        "description": "What it reads, if the kinds alone do not decide: a name, names, names with weights, or `[]`: "
        "not to go on from a model.",
        "oneOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": {"type": "number", "exclusiveMinimum": 0}},
        ],
    },
    "require": {
        "description": "A gate: bounds on scores, without which no later step starts.",
        "type": "object",
        "additionalProperties": False,
    },
}
"""Keys that every step has."""
_BOUND = {"type": "string", "pattern": r"^\s*(>=|<=|>|<)\s*[-+]?\d"}


def build() -> dict[str, Any]:
    """For specs, draft 2020-12."""
    files = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    kinds = {kind: {**files, "description": _doc(kind)} for kind in fields.kinds()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ernie-jobs spec",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "name", "steps"],
        "properties": {
            "version": {"const": 1, "description": "Version of this format."},
            "name": {"type": "string", "pattern": f"^{JOB_NAME}$", "description": "Name of the job."},
            "store": {
                "type": "string",
                "description": "Where artefacts go: a folder (from the spec's own, `~` is your home), `file:///...` or "
                "`s3://bucket/prefix`; variables are not expanded.",
            },
            "inputs": {
                "description": "Artefacts that exist already.",
                "type": "object",
                "propertyNames": {"pattern": f"^{STEP_NAME}$"},
                "additionalProperties": {
                    "type": "object",
                    "properties": kinds,
                    "additionalProperties": False,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            },
            "steps": {
                "description": "What to do, in order.",
                "type": "array",
                "minItems": 1,
                "items": {
                    "oneOf": [
                        {"enum": list(components.names())},
                        {
                            "type": "object",
                            "additionalProperties": False,
                            "minProperties": 1,
                            "maxProperties": 1,
                            "properties": {name: _step(components.find(name)) for name in components.names()},
                        },
                    ]
                },
            },
        },
    }


def markdown() -> str:
    """The reference: kinds, keys of every step, and each component with its parameters."""
    parts = ["### Keys of every step\n", _shared(), "\n### Components\n"]
    parts += [_component(components.find(name)) for name in components.names()]
    parts += ["### Kinds of artefact\n", "| kind | format of its folder |\n|---|---|"]
    parts += [f"| `{kind}` | {_cell(_doc(kind))} |" for kind in fields.kinds()]
    parts += [
        "\n### Site file\n",
        "`site.yaml` beside the spec or above it, or the file that `$ERNIE_JOBS_SITE` names.\n",
    ]
    parts += ["| key | meaning |\n|---|---|"]
    parts += [f"| `{name}` | {_cell(meaning)} |" for name, meaning in _settings(Site)]
    return "\n".join(parts) + "\n"


def _settings(model: type[BaseModel], place: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a model and of those in it, with its meaning."""
    for name, field in model.model_fields.items():
        inner = next(fields.models(field.annotation), None)
        many = "[]" if inner and get_origin(field.annotation) is tuple else ""
        yield f"{place}{name}{many}", field.description or ""
        if inner:
            yield from _settings(inner, f"{place}{name}{many}.")


def _step(cls: type[Step]) -> dict[str, Any]:
    own = cls.model_json_schema()
    placement = {k: v for k, v in Placement.model_json_schema()["properties"].items() if k in placement_keys(cls)}
    schema: dict[str, Any] = {
        "description": inspect.cleandoc(cls.__doc__ or ""),
        "type": ["object", "null"] if not own.get("required") else "object",
        "additionalProperties": False,
        "properties": {
            **_untitled(own.get("properties", {})),
            **_SHARED,
            **_untitled(placement),
            "require": _gates(cls),
        },
    }
    return {**schema, "required": own["required"]} if own.get("required") else schema


def _gates(cls: type[Step]) -> dict[str, Any]:
    """Bounds on the scores that it declares."""
    if cls.scores is None:
        return {**_SHARED["require"], "additionalProperties": _BOUND}
    alone = {score.name: _BOUND for score in cls.scores if "*" not in score.name}
    many = {f"^{score.name.replace('*', '.*')}$": _BOUND for score in cls.scores if "*" in score.name}
    return {**_SHARED["require"], "properties": alone, **({"patternProperties": many} if many else {})}


def _untitled(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {k: v for k, v in body.items() if k != "title"} for name, body in properties.items()}


def _component(cls: type[Step]) -> str:
    name = cls.__module__.rpartition(".")[2]
    takes = [
        f"{'one or more ' if p.way == 'many' else ''}`{p.kind}`{' (optional)' if p.optional else ''}"
        for p in cls.takes()
    ]
    place = f"Image `{cls.image}`, {cls.cpu} cpu, {cls.memory}."
    flow = f"Takes {', '.join(takes) or 'nothing'}; makes `{cls.makes().kind}`. {place}"
    lines = [f"#### `{name}`\n", inspect.cleandoc(cls.__doc__ or "").replace("\n", " "), "", flow, ""]
    lines += [f"Scores: {_scores(cls)}.", ""] if cls.scores else []
    if cls.model_fields:
        lines += ["| parameter | default | meaning |", "|---|---|---|"]
    for key, field in cls.model_fields.items():
        default = "required" if field.is_required() else f"`{_shown(field.default)}`"
        free = " *(does not change the result)*" if FREE in field.metadata else ""
        meaning, choices = _cell(field.description or ""), _choices(cls, key)
        lines.append(f"| `{key}` | {default} | {meaning}{choices}{free} |")
    return "\n".join(lines) + "\n"


def _scores(cls: type[Step]) -> str:
    """Those that it declares, and what some of them need."""
    found: dict[str, list[str]] = {}
    for score in cls.scores or ():
        found.setdefault(score.needs or ("" if score.sure else "some data"), []).append(f"`{score.name}`")
    return "; ".join(", ".join(names) + (f" (with {needs})" if needs else "") for needs, names in found.items())


def _choices(cls: type[Step], key: str) -> str:
    options = cls.model_json_schema()["properties"][key].get("enum")
    return f" One of {', '.join(f'`{o}`' for o in options)}." if options else ""


def _shown(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else "none" if default in (None, "") else str(default)


def _shared() -> str:
    rows = ["| key | meaning |", "|---|---|"]
    rows += [f"| `{name}` | {_cell(body['description'])} |" for name, body in _SHARED.items()]
    rows += [f"| `{name}` | {_cell(field.description or '')} |" for name, field in Placement.model_fields.items()]
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    """A text as a cell of a table, which ends with its line."""
    return inspect.cleandoc(text).replace("\n", " ").replace("|", "\\|")


def _doc(kind: str) -> str:
    found = next(c for c in vars(kinds_of).values() if inspect.isclass(c) and fields.snake(c.__name__) == kind)
    return inspect.cleandoc(found.__doc__ or "")
