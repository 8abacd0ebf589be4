"""The IAM actions that CloudFormation's handlers call for each resource type, from AWS's registry schemas.

A handler acts under the stack's role, and one missing action fails the create or update in a real account. AWS
publishes the schemas as ``CloudformationSchema.zip``. This command writes ``handler_permissions.json`` anew from it::

    python -m mooring.embedded.repairs.handler_permissions CloudformationSchema.zip [TYPE ...]

The types in the table stay, and a type whose schema lists no handlers has an empty entry.
"""

import argparse
import json
import zipfile
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any

FILE = Path(__file__).with_name("handler_permissions.json")
OPERATIONS = ("create", "read", "update", "delete")

UNUSED = MappingProxyType(
    {
        "lambda:*ProvisionedConcurrency*": "scalable targets that are functions",
        "ec2:Describe*": "functions in a VPC",
        "elasticfilesystem:*": "functions with a file system",
        "s3files:*": "functions with a file system",
        "kinesis:*": "tables with a Kinesis stream",
        "firehose:*": "log groups that deliver to Firehose",
        "s3tables:*": "buckets with metadata tables",
        "codestar-connections:*": "pipelines with a repository; without one, as in the tests, the source is a bucket",
        "iam:DeleteRolePermissionsBoundary": "roles that lose their boundary, which must never happen",
    }
)
"""Patterns of actions that handlers call for properties that no template of ours has: for what."""

_PREFIXES = MappingProxyType({"ApplicationAutoScaling": "application-autoscaling", "StepFunctions": "states"})
"""Prefixes of the actions of services that are not the service in a type's name in small letters."""

_table: Mapping[str, Mapping[str, list[str]]] = json.loads(FILE.read_text(encoding="utf-8"))


def types() -> frozenset[str]:
    """Return the resource types in the table."""
    return frozenset(_table)


def needed(resource_type: str, *operations: str) -> list[str]:
    """Return the actions that the handlers of these ``operations`` call, without the ``UNUSED`` ones.

    A type that is not in the table needs none.
    """
    handlers = _table.get(resource_type, {})
    actions = {action for operation in operations for action in handlers.get(operation, [])}
    return sorted(action for action in actions if not any(fnmatchcase(action, pattern) for pattern in UNUSED))


def needed_of_its_service(resource_type: str, *operations: str) -> list[str]:
    """Return the ``needed`` actions of the resource's own service, first those that create, update or delete.

    A schema lists the actions of other services for properties that few templates have, such as delivery logging.
    """
    service = resource_type.split("::")[1]
    prefix = _PREFIXES.get(service, service.lower())
    found = [action for action in needed(resource_type, *operations) if action.startswith(f"{prefix}:")]
    return sorted(found, key=lambda action: not action.partition(":")[2].startswith(("Create", "Update", "Delete")))


def read_schemas(archive: Path) -> Iterator[dict[str, Any]]:
    """Yield the registry schemas of an archive; its folders do not matter."""
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if name.endswith(".json"):
                yield json.loads(opened.read(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("types", nargs="*", metavar="TYPE", help="types to add to the table")
    options = parser.parse_args()
    wanted = {*types(), *options.types}
    found = {
        schema["typeName"]: {
            operation: sorted(schema["handlers"][operation]["permissions"])
            for operation in OPERATIONS
            if operation in schema.get("handlers", {})
        }
        for schema in read_schemas(options.archive)
        if schema.get("typeName") in wanted
    }
    if absent := wanted - found.keys():
        parser.error(f"{options.archive} has no schema of {', '.join(sorted(absent))}")
    FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"Wrote the handlers' actions of {len(found)} types to {FILE}")


if __name__ == "__main__":
    main()
