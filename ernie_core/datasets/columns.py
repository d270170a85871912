"""What a person says of the columns of their own tables and JSON lines."""

from dataclasses import dataclass, fields

Column = str | int
"""The name of a column or a JSON key, or the number of a column, counted from 1."""


@dataclass(frozen=True)
class Columns:
    """Where a table has what; None: not said."""

    text: Column | None = None
    text_pair: Column | None = None
    label: Column | None = None
    id: Column | None = None
    split_by: Column | None = None
    header: bool | None = None
    labels: tuple[str, ...] | None = None

    def given(self) -> tuple[str, ...]:
        """The names of those that a person said, as they are called in a spec."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)
