"""The JSON schema of specs, for editors: from the classes alone."""

import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

import components
from components.contract import sweep
from components.contract.base import Step
from components.contract.strict import meanings, ordered
from jobs.spec import fields, sweeps
from jobs.spec.job import JOB_NAME, STEP_NAME, Placement, placement_keys

_NAME = {"type": "string"}
_NAMES = {"type": "array", "items": _NAME}
_WEIGHTS = {"type": "object", "additionalProperties": {"type": "number", "exclusiveMinimum": 0}}
SHARED: Mapping[str, Any] = {
    "as": {
        "type": "string",
        "pattern": f"^{STEP_NAME}$",
        "description": "Name of the step; default: that of its component.",
    },
    "from": {
        "description": "Inputs, where kinds alone do not decide: a name, names, names with weights, or any of these by "
        "port (`{init: base}`); `[]` for a training that starts from no model.",
        "oneOf": [_NAME, _NAMES, _WEIGHTS],
    },
    "require": {
        "description": "Gate: bounds on scores; no later step starts unless they hold.",
        "type": "object",
        "additionalProperties": False,
    },
}
"""Keys that every step has."""
BEST = {
    "type": "string",
    "pattern": r"^\s*(max|min)\s+\S+\s*$",
    "description": "Of a `sweep`: the point that is kept, by a score of the step, as `max accuracy` or `min loss`.",
}
HALVING: Mapping[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "integer", "minimum": 1},
    "description": "Of a `sweep` of trainings on one machine: steps at which the worse half of the points that are "
    "left is stopped, by the score of `best` in their own evaluations.",
}
SWEEP = (
    "Several sets of parameters, each made as a step of its own; the artefact is that of the best. Parameters with "
    "lists of values are a grid; a list of mappings is a list of points."
)
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
                "description": "Store of artefacts: a folder (relative to the spec, `~` is your home), `file:///...` "
                "or `s3://bucket/prefix`; variables are not expanded.",
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
                "description": "Steps, in order.",
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


def _step(cls: type[Step]) -> dict[str, Any]:
    own = cls.model_json_schema()
    swept = bool(cls.model_fields) and cls.makes().kind not in sweeps.UNSWEPT
    placement = {k: v for k, v in _properties(Placement).items() if k in placement_keys(cls, swept=swept)}
    schema: dict[str, Any] = {
        "description": inspect.cleandoc(cls.__doc__ or ""),
        "type": ["object", "null"] if not own.get("required") else "object",
        "additionalProperties": False,
        "properties": {
            **_properties(cls),
            **SHARED,
            **placement,
            "from": _from(cls),
            "require": _gates(cls),
            **({"sweep": _sweep(cls), "best": BEST} if swept else {}),
            **({"halving": HALVING} if swept and cls.gang else {}),
        },
    }
    if swept:
        alone = {} if cls.is_split() else {"shards": ["sweep"]}
        alone |= {"halving": ["sweep"]} if cls.gang else {}
        schema |= {"dependentRequired": {"sweep": ["best"], "best": ["sweep"], **alone}}
    if not own.get("required"):
        return schema
    if not swept:
        return {**schema, "required": own["required"]}
    return {**schema, "if": {"not": {"required": ["sweep"]}}, "then": {"required": own["required"]}}


def _sweep(cls: type[Step]) -> dict[str, Any]:
    """A grid, or a list of points. What a value may be is that of the parameter itself, which a check says."""
    names = list(_properties(cls))
    keys: dict[str, Any] = {"propertyNames": {"enum": names}, "minProperties": 1}
    point = {"type": "object", **keys}
    grid = {**point, "additionalProperties": {"type": "array", "minItems": 1}}
    points = {"type": "array", "minItems": 1, "maxItems": sweep.MOST, "items": point}
    return {"description": SWEEP, "oneOf": [grid, points]}


def _from(cls: type[Step]) -> dict[str, Any]:
    """The forms that every step has, and what its own ports take."""
    ports = {}
    for port in cls.takes():
        names = {**_NAMES, "minItems": 0 if port.optional else 1, **({"maxItems": 1} if port.way == "in" else {})}
        ports[port.name] = {"oneOf": [_NAME, names, *([_WEIGHTS] if port.way == "many" else [])]}
    by_port = {"type": "object", "properties": ports, "additionalProperties": False, "minProperties": 1}
    return {**SHARED["from"], "oneOf": [*SHARED["from"]["oneOf"], *([by_port] if ports else [])]}


def _gates(cls: type[Step]) -> dict[str, Any]:
    """Bounds on the scores that it declares."""
    if cls.scores is None:
        return {**SHARED["require"], "additionalProperties": _BOUND}
    alone = {score.name: _BOUND for score in cls.scores if not score.several}
    many = {f"^{score.name.replace('*', '.*')}$": _BOUND for score in cls.scores if score.several}
    return {**SHARED["require"], "properties": alone, **({"patternProperties": many} if many else {})}


def _properties(model: type[BaseModel]) -> dict[str, Any]:
    """Its fields with their meanings, and without the titles that pydantic makes of their names."""
    found = {}
    properties = model.model_json_schema().get("properties", {})
    for name in ordered(model):
        body = properties.get(name, {})
        described = {**body, "description": meanings(model).get(name, "")}
        found[name] = {key: described[key] for key in sorted(described) if key != "title"}
    return found


def _doc(kind: str) -> str:
    return inspect.cleandoc(fields.kind(kind).__doc__ or "")
