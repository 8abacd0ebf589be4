"""YAML as a person means it: keys stand once, and an account id keeps its zeros."""

import re
from typing import Any

import yaml


class Loader(yaml.SafeLoader):
    """YAML that refuses a key which stands twice, where the standard loader silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value!r} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _whole_number(loader: Loader, node: yaml.ScalarNode) -> int | str:
    """An account id may begin with a zero; YAML 1.1 would silently read octal."""
    if re.fullmatch(r"0[0-9]+", node.value):
        return str(node.value)
    return loader.construct_yaml_int(node)


Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)
