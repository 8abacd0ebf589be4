"""The subject of a lineage: a model's version, a run, a commit, or a model's endpoint."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipelines.aws.clients import Services
from pipelines.datasets.commits.history import MIN_PREFIX
from pipelines.interface import keys
from pipelines.views.lineage.items import read_items

COMMIT_ID = re.compile(rf"[0-9a-f]{{{MIN_PREFIX},64}}")
VERSION = re.compile(r"v?([1-9][0-9]*)")
RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}")


class UnknownSubjectError(LookupError):
    """The text names nothing that has a lineage here; the message says what can be named."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """``of`` is the model, or a commit's dataset. ``id`` is the version, the run's id or the whole commit id.

    An endpoint has no ``id``.
    """

    kind: Literal["package", "run", "commit", "endpoint"]
    of: str
    id: str = ""


def find_subject(text: str, services: Services, datasets: Mapping[str, str]) -> Subject:
    """Return the subject that ``text`` names. ``datasets`` are the environment's models, each with its dataset.

    Raises
    ------
    UnknownSubjectError
        The text names nothing, or begins several commits.
    """
    given = _without_arn(text, services)
    name, _, rest = given.rpartition("/")
    if not name:
        name, rest = given, ""
    if name in datasets and (version := VERSION.fullmatch(rest)):
        return Subject(kind="package", of=name, id=version.group(1))
    if name in datasets and RUN_ID.fullmatch(rest):
        return Subject(kind="run", of=name, id=rest)
    if name in datasets and not rest:
        return Subject(kind="endpoint", of=name)
    known = sorted(set(datasets.values()))
    if name in known and COMMIT_ID.fullmatch(rest):
        return _find_commit(rest, services, [name])
    if not rest and COMMIT_ID.fullmatch(name):
        return _find_commit(name, services, known)
    models = ", ".join(datasets) or "none"
    raise UnknownSubjectError(
        f"{text!r} names nothing in {services.environment.id}: give MODEL/VERSION, MODEL/RUN, MODEL or its endpoint, "
        f"a package's ARN, or at least {MIN_PREFIX} digits of a commit; models: {models}; "
        f"datasets: {', '.join(known) or 'none'}"
    )


def _without_arn(text: str, services: Services) -> str:
    """Return ``model/version`` for a package's ARN, the model for an endpoint's ARN or name, else the text itself."""
    environment = services.environment
    for kind in ("model-package", "endpoint"):
        text = text.removeprefix(environment.arn("sagemaker", f"{kind}/"))
    return text.removeprefix(f"{environment.id}-")


def _find_commit(text: str, services: Services, datasets: list[str]) -> Subject:
    found = set()
    for dataset in datasets:
        commits = read_items(services.ledger, keys.commits(dataset).beginning(text))
        rewritten = read_items(services.ledger, keys.tombstones(dataset).beginning(text))
        found |= {(dataset, item.id) for item in (*commits, *rewritten)}
    if len(found) == 1:
        ((dataset, commit_id),) = found
        return Subject(kind="commit", of=dataset, id=commit_id)
    if not found:
        raise UnknownSubjectError(f"no commit of {', '.join(datasets) or 'any dataset'} begins with {text}")
    shown = ", ".join(f"{dataset}/{commit_id[:12]}" for dataset, commit_id in sorted(found))
    raise UnknownSubjectError(f"{text} begins several commits: {shown}; give more digits, or DATASET/COMMIT")
