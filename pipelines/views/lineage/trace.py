"""Builds the graph of a lineage around its subject.

From a package or a run: back to its commit, jobs and champion, on to its releases, checks, challengers and
reproductions. From a commit: on to every run that used it, and what became of each. From an endpoint: back to the
packages that serve.
"""

from dataclasses import dataclass

from pipelines.aws.clients import Services
from pipelines.interface import keys
from pipelines.interface.records import CommitUse
from pipelines.views.lineage.facts import UNDER_WAY, UNKNOWN
from pipelines.views.lineage.graph import Graph
from pipelines.views.lineage.items import LedgerItem, read_item, read_items
from pipelines.views.lineage.reading import NO_PACKAGE, NO_RECORD, package_name
from pipelines.views.lineage.subject import Subject, UnknownSubjectError
from pipelines.views.lineage.tracer import Tracer


@dataclass(frozen=True, kw_only=True)
class RunOfCommit:
    """A run that used a commit. ``package`` is ``<model>/<version>``, or None if the run made none.

    ``outcome`` is a ``RunOutcome``, ``under way``, or ``unknown`` if the run's record is missing or damaged. ``damage``
    says why the ledger's item of the use itself cannot be read.
    """

    model: str
    run_id: str
    outcome: str
    package: str | None
    damage: str = ""


def trace(services: Services, subject: Subject) -> Graph:
    """Return the lineage of ``subject``, both ways. A missing or damaged thing is a node that says so.

    Raises
    ------
    UnknownSubjectError
        There is no such version or run, and nothing refers to one.
    """
    tracer = Tracer(services, Graph(environment=services.environment.id, subject=""))
    graph = tracer.graph
    if subject.kind == "commit":
        graph.subject = tracer.commit(subject.of, subject.id)
        for use in models_that_saw(services, subject.of, subject.id):
            run = tracer.run(use.model, use.run_id, whole=True)
            graph.link(graph.subject, "used by", run)
            if use.damage:
                graph.note(run, use.damage)
    elif subject.kind == "run":
        graph.subject = tracer.run(subject.of, subject.id, whole=True)
    elif subject.kind == "package":
        graph.subject = tracer.package(subject.of, int(subject.id), whole=True)
    else:
        graph.subject = tracer.endpoint(services.environment.model(subject.of))
    if not graph.edges and graph.nodes[graph.subject].missing.startswith((NO_RECORD, NO_PACKAGE)):
        kind = "version" if subject.kind == "package" else "run"
        raise UnknownSubjectError(f"{subject.of} has no {kind} {subject.id}, and nothing refers to one")
    return graph


def models_that_saw(services: Services, dataset: str, commit_id: str) -> list[RunOfCommit]:
    """Return the runs that used a commit, in order of their ids: the oldest first."""
    uses = read_items(services.ledger, keys.commit_uses(dataset, commit_id))
    return sorted((_run_of(services, use) for use in uses), key=lambda use: use.run_id)


def _run_of(services: Services, use: LedgerItem[CommitUse]) -> RunOfCommit:
    # The key says which run it was, also where the item is damaged.
    model, _, run_id = use.id.partition("#")
    item = read_item(services.ledger, keys.run(model, run_id))
    run = item.record if item else None
    return RunOfCommit(
        model=model,
        run_id=run_id,
        outcome=(run.outcome or UNDER_WAY) if run else UNKNOWN,
        package=package_name(model, run.package_arn) if run and run.package_arn else None,
        damage=use.damage,
    )
