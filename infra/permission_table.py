"""Writes the table of functions and their permissions in docs/reference/flows.md from ``infra.functions``.

Run it with ``python -m infra.permission_table``, or ``make golden``.
"""

import json
from pathlib import Path
from typing import Any

from infra.fleet.promotion import Promotion
from infra.functions import DRIVE_PROMOTION, FUNCTIONS, FunctionSpec
from infra.grants import Grants
from pipelines.interface.names import Environment

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "flows.md"
BEGIN, END = "<!-- permissions: made by `make golden` -->", "<!-- end of permissions -->"
EXAMPLE = Environment(team="TEAM", stage="STAGE", account="ACCOUNT", region="eu-west-1")


def _other(name: str) -> Environment:
    return Environment(team="TEAM", stage=name, account=f"ACCOUNT-{name}", region="REGION")


PROMOTION = Promotion(
    tooling=_other("tooling"),
    trainers=(_other("TRAINER"),),
    source=_other("BEFORE"),
    following=(_other("NEXT"),),
    later=(_other("NEXT"),),
    stages=("BEFORE", "STAGE", "NEXT"),
)


def table() -> str:
    """Return the table in Markdown."""
    rows = [
        "| function | called by | size | may |",
        "|---|---|---|---|",
        *(f"| `{spec.name}` | {spec.flow} | {_size(spec)} | {_may(spec)} |" for spec in (*FUNCTIONS, DRIVE_PROMOTION)),
    ]
    return "\n".join(rows)


def page(text: str) -> str:
    """Return a page with the current table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _size(spec: FunctionSpec) -> str:
    layer = ", layer" if spec.layer else ""
    return f"{spec.memory_mb} MB, {spec.timeout_s} s{layer}"


def _may(spec: FunctionSpec) -> str:
    statements = [statement.to_statement_json() for statement in spec.may(Grants(EXAMPLE, PROMOTION))]
    return "<br>".join(map(_in_words, statements))


def _in_words(statement: dict[str, Any]) -> str:
    actions = ", ".join(f"`{action}`" for action in _listed(statement["Action"]))
    resources = ", ".join(f"`{_short(resource)}`" for resource in _listed(statement["Resource"]))
    where = f", if `{json.dumps(statement['Condition'])}`" if "Condition" in statement else ""
    return f"{actions} on {resources}{_hidden(where)}"


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else sorted(value)


def _short(arn: str) -> str:
    """Return the resource part of an ARN, with ``{environment}`` for the environment's id."""
    return _hidden(arn.split(":", 5)[-1])


def _hidden(text: str) -> str:
    names = {EXAMPLE.id: "{environment}", EXAMPLE.account: "{account}", EXAMPLE.region: "{region}"}
    for value, name in names.items():
        text = text.replace(value, name)
    return text


def main() -> None:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
