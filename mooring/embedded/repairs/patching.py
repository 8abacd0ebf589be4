"""Replacing a function of another module, loudly."""

from collections.abc import Callable
from types import ModuleType
from typing import Any


def replace(module: ModuleType | type, name: str, wrap: Callable[[Any], Any]) -> None:
    """Set ``module.name`` to ``wrap(original)``.

    Raises
    ------
    RuntimeError
        There is no such attribute: the installed version is not the one that the repair was made for.
    """
    if not hasattr(module, name):
        raise RuntimeError(f"{module.__name__} has no {name}: a repair does not fit the installed MiniStack")
    setattr(module, name, wrap(getattr(module, name)))
