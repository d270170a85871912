"""Compiled extensions, each with a Python twin that gives the same results."""

import functools
import importlib
import warnings
from types import ModuleType


@functools.cache
def load(name: str, without: str) -> ModuleType | None:
    """The extension, or None if it is missing; then `without`, what is slower and how much, is a warning, once."""
    try:
        return importlib.import_module(name)
    except ImportError as e:
        warnings.warn(
            f"the compiled {name} is missing ({e}): {without}; install a wheel, or run "
            f"`python setup.py build_ext --inplace`",
            RuntimeWarning,
            stacklevel=3,
        )
        return None
