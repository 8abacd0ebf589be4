"""A YAML loader that refuses duplicate keys and keeps the leading zeros of account ids."""

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    Base = yaml.SafeLoader
else:
    # libyaml reads a fleet of a thousand models in a fifth of the time; not every platform's package has it.
    Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(Base):
    """YAML loader that refuses a duplicate key; the standard loader silently keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value!r} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _whole_number(loader: Loader, node: yaml.ScalarNode) -> int | str:
    """Return digits that begin with a zero as text: an account id may, and YAML 1.1 would read an octal number."""
    if re.fullmatch(r"0[0-9]+", node.value):
        return str(node.value)
    return loader.construct_yaml_int(node)


Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)
