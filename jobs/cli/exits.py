"""Exit codes of the command line: one for each kind of failure, so that scripts and CI can tell them apart."""

from ernie_core.errors import Error, NotFound, Refused, Stopped

DONE, FAILED, WRONG, NOT_FOUND, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 130

CODES: dict[type[Error], int] = {NotFound: NOT_FOUND, Refused: REFUSED, Stopped: INTERRUPTED}
"""An error type of `jobs` names its own code in an attribute `code` instead."""


def code(error: Error) -> int:
    """The exit code of an error: its own, or that of the nearest class of the table, or 1."""
    own = getattr(error, "code", None)
    if isinstance(own, int):
        return own
    return next((CODES[c] for c in type(error).__mro__ if c in CODES), FAILED)
