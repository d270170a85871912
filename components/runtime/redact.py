"""Removes what looks like a credential from a line: logs are kept for long and read by many."""

import re

_SECRET = re.compile(
    r"(?i)([a-z0-9_-]*(?:secret(?:_\w+)?|password|passwd|token|credentials?|access_key|api_key)[\"']?\s*[:=]\s*[\"']?)"
    r"[^\s\"',&]+"
    r"|(bearer\s+)[\w.~+/-]+=*|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
)


def redact(line: str) -> str:
    """The line without it."""
    return _SECRET.sub(lambda match: f"{match[1] or match[2] or ''}[redacted]", line)
