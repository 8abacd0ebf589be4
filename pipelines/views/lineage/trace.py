"""Building the graph around what was asked for.

From a package or run: its commit, jobs and champion before it, its releases, checks, challengers and reproductions
after it. From a commit: every run that used it, and what became of each. From an endpoint: the packages that serve.
"""

from typing import Any

from pipelines.aws.clients import Services
from pipelines.interface import keys
from pipelines.views.lineage.graph import Graph
from pipelines.views.lineage.records import package_name
from pipelines.views.lineage.subject import Subject, UnknownSubjectError
from pipelines.views.lineage.tracer import Tracer


def trace(services: Services, subject: Subject) -> Graph:
    """The lineage of ``subject``, both ways. What is gone is a node that says so.

    Raises
    ------
    UnknownSubjectError
        There is no such version or run, and nothing says that there was.
    """
    tracer = Tracer(services, Graph(environment=services.environment.id, subject=""))
    graph = tracer.graph
    if subject.kind == "commit":
        graph.subject = tracer.commit(subject.of, subject.id)
        for use in models_that_saw(services, subject.of, subject.id):
            tracer.run(use["model"], use["run_id"], whole=True)
    elif subject.kind == "run":
        graph.subject = tracer.run(subject.of, subject.id, whole=True)
    elif subject.kind == "package":
        graph.subject = tracer.package(subject.of, int(subject.id), whole=True)
    else:
        graph.subject = tracer.endpoint(services.environment.model(subject.of))
    if subject.kind in ("package", "run") and graph.nodes[graph.subject].missing and not graph.edges:
        kind = "version" if subject.kind == "package" else "run"
        raise UnknownSubjectError(f"{subject.of} has no {kind} {subject.id}, and nothing says that it had one")
    return graph


def models_that_saw(services: Services, dataset: str, commit_id: str) -> list[dict[str, Any]]:
    """Which runs used a commit, the oldest first: of each ``model``, ``run_id``, ``outcome``, ``package`` (or None)."""
    found = []
    for use in services.ledger.query(keys.commit_pk(dataset, commit_id), keys.USE):
        model, run_id = use["model"], use["run_id"]
        item = services.ledger.get(keys.model_pk(model), keys.run_sk(run_id)) or {}
        package = package_name(model, item["package_arn"]) if item.get("package_arn") else None
        about = {"outcome": item.get("outcome") or "under way", "package": package}
        found.append({"model": model, "run_id": run_id, **about})
    return sorted(found, key=lambda use: str(use["run_id"]))
