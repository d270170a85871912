"""What a step does, as digests: the same on every machine and in every version that does the same."""

import hashlib
import json

from components.contract.base import Step


def digest(value: object) -> str:
    """16 hex digits over canonical JSON: the same for any order of keys, machine and version of Python."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def work(component: str, cls: type[Step], step: Step | None) -> dict[str, object]:
    """The part of a fingerprint that does not depend on the inputs; without the settings for a sweep, each point of
    which has others."""
    return {"component": component, "revision": cls.revision, "settings": step.settings() if step else {}}
