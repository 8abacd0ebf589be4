"""Replace an attribute of a module or class; raise if it does not exist."""

from collections.abc import Callable
from types import ModuleType
from typing import Any


def replace(module: ModuleType | type, name: str, wrap: Callable[[Any], Any]) -> None:
    """Set ``module.name`` to ``wrap(original)``.

    Raises
    ------
    RuntimeError
        There is no such attribute: the repair was made for another version.
    """
    if not hasattr(module, name):
        raise RuntimeError(f"{module.__name__} has no {name}: the repair does not fit the installed version")
    setattr(module, name, wrap(getattr(module, name)))
