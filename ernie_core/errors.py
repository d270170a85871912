"""Errors, one type for each way to handle them; `exit_code` is the exit code of a step's process."""

from ernie_core.wording import brief


class Error(Exception):
    """A failure that a person can act on: its text names the value, the place and the remedy."""

    exit_code = 1

    def __init__(self, text: str = "") -> None:
        super().__init__(brief(text))


class Unreachable(Error):
    """The store did not answer; trying again later may help."""


class Full(Error):
    """A disk is full; a retry helps once there is space."""


class BadInput(Error):
    """Data or parameters are wrong; no restart can cure it."""

    exit_code = 65


class NotFound(Error):
    """Something that was named does not exist."""

    exit_code = 66


class Denied(Error):
    """Access failed: a store or a cluster refused the credentials, there were none, or there is no such bucket."""

    exit_code = 77


class Refused(Error):
    """Continuing would spoil results: a resume that does not match, or a gate that did not pass."""

    exit_code = 78


class Stopped(Error):
    """Asked to stop, and everything worth keeping is saved: start again to resume."""

    exit_code = 143


def kind(exit_code: int) -> type[Error]:
    """The type of error that a process ended with; Error itself for a code that is no other's."""
    own = {cls.exit_code: cls for cls in Error.__subclasses__() if cls.exit_code != Error.exit_code}
    return own.get(exit_code, Error)
