"""Loading a package's modules when one of their names is first asked for.

Making a frozen dataclass takes half a millisecond. A Lambda function that loads all records and requests would start 30
ms later than one that loads those of its own flow.
"""

from collections.abc import Callable
from importlib import import_module


def loader(package: str, **names: tuple[str, ...]) -> Callable[[str], object]:
    """Return a package's ``__getattr__``: ``names`` are the names that each of its modules defines (PEP 562)."""
    modules = {name: module for module, defined in names.items() for name in defined}

    def load(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return load
