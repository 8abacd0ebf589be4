"""Adds things to the graph of a lineage, each with what led to it and what it led to."""

from contextlib import suppress
from dataclasses import dataclass, replace

from botocore.exceptions import ClientError

from pipelines.aws.client import code_of
from pipelines.aws.clients import Services
from pipelines.datasets.commits.history import History
from pipelines.datasets.commits.manifest import InvalidCommitError
from pipelines.flows.release.serving import read_chain
from pipelines.interface import keys
from pipelines.interface.codec import InvalidRecordError
from pipelines.interface.names import Model, version_of
from pipelines.interface.paths import RunFiles
from pipelines.interface.records import (
    Check,
    CheckOutcome,
    QualityHour,
    QualityOutcome,
    Release,
    Run,
    Tombstone,
    TriggerKind,
)
from pipelines.interface.release_state import InvalidReleaseStateError, ReleaseState
from pipelines.views.lineage import reading
from pipelines.views.lineage.facts import (
    UNKNOWN,
    Approval,
    CheckFacts,
    EndpointFacts,
    EndpointState,
    JobFacts,
    PackageFacts,
    QualityFacts,
    ReleaseFacts,
    RunFacts,
)
from pipelines.views.lineage.graph import Graph
from pipelines.views.lineage.items import LedgerItem, ModelItems, read_item, read_items
from pipelines.views.lineage.reading import join_texts, package_name

SHOWN_CHECKS = 5
"""Largest number of a package's drift checks, and of its measured hours, that are nodes; all are counted."""
FOUND = (CheckOutcome.DRIFT, CheckOutcome.BROKEN_INPUT, QualityOutcome.LOST)
"""Outcomes of the checks that are nodes."""
STEPS = ("validate", "train", "evaluate")
REFERENCES = (("champion", "compared with"), ("reproduces", "reproduced by"))
"""Fields of a run that hold a package, each with the relation of that package to the run."""


@dataclass
class Tracer:
    """Adds things to the graph. A ``whole`` thing comes with all that led to it and that it led to."""

    services: Services
    graph: Graph

    def __post_init__(self) -> None:
        self._models: dict[str, ModelItems] = {}
        self._whole: set[str] = set()

    def _items(self, model: str) -> ModelItems:
        if model not in self._models:
            self._models[model] = ModelItems(self.services.ledger, model)
        return self._models[model]

    # -- commits ----------------------------------------------------------------------------------------------------

    def commit(self, dataset: str, commit_id: str) -> str:
        """Add a commit, with the commits that it was rewritten from and as, and return its node's id."""
        name = f"{dataset}/{commit_id}"
        if f"commit:{name}" in self.graph.nodes:
            return f"commit:{name}"
        stones = tombstones(History(dataset=dataset, ledger=self.services.ledger))
        facts, missing = reading.read_commit(self.services, dataset, commit_id)
        stone = stones.get(commit_id)
        if stone and stone.record:
            facts = replace(facts, forgotten=stone.record)
            missing = f"forgotten at {stone.record.time} by {stone.record.by}"
        identity = self.graph.add(name, facts, missing=missing)
        if stone and stone.damage:
            self.graph.note(identity, stone.damage)
        new = stone.value("new") if stone else None
        if isinstance(new, str):
            self.graph.link(identity, "rewritten as", self.commit(dataset, new))
        for old, other in stones.items():
            if other.value("new") == commit_id:
                self.graph.link(self.commit(dataset, old), "rewritten as", identity)
        return identity

    # -- runs -------------------------------------------------------------------------------------------------------

    def run(self, model: str, run_id: str, *, whole: bool) -> str:
        """Add a run and return its node's id; if it is whole, with its commit, jobs, champion and package."""
        name = f"{model}/{run_id}"
        if name in self._whole:
            return f"run:{name}"
        item = read_item(self.services.ledger, keys.run(model, run_id))
        if item is None or item.record is None:
            facts = RunFacts(model=model, run_id=run_id, outcome=UNKNOWN)
            return self.graph.add(name, facts, missing=item.damage if item else reading.NO_RECORD)
        run = item.record
        # The commit is added before the run: nodes are in the order of time.
        commit = self._commit_of(run, run.commit) if whole and run.commit else None
        identity = self.graph.add(name, reading.run_facts(model, run))
        if commit:
            self.graph.link(commit, "used by", identity)
        jobs = []
        if whole:
            self._whole.add(name)
            self._before_run(model, run, identity)
            jobs = self._jobs(model, run, identity)
        if run.package_arn:
            package = self.package(model, version_of(run.package_arn), whole=whole, made_by=item)
            for job, relation in ((f"job:{name}/train", "made"), (f"job:{name}/evaluate", "measured")):
                if job in jobs:
                    self.graph.link(job, relation, package)
            if not jobs:
                self.graph.link(identity, "made", package)
        return identity

    def _commit_of(self, run: Run, commit_id: str) -> str:
        # Runs of older versions do not record their dataset.
        return self.commit(run.dataset or UNKNOWN, commit_id)

    def _before_run(self, model: str, run: Run, identity: str) -> None:
        for package_arn, relation in ((run.champion, "compared with"), (run.reproduces, "reproduced by")):
            if package_arn:
                self.graph.link(self.package(model, version_of(package_arn), whole=False), relation, identity)
        self._trigger(model, run, identity)

    def _trigger(self, model: str, run: Run, identity: str) -> None:
        """Add the check that started a run: the trigger's reason is a drift check's id, or a measured hour's window."""
        trigger, ledger = run.trigger, self.services.ledger
        if trigger.kind == TriggerKind.DRIFT:
            check = read_item(ledger, keys.check(model, trigger.reason))
            if check:
                self._link_trigger(model, check.value("version"), self._check(model, check), identity)
        elif trigger.kind == TriggerKind.QUALITY and run.champion:
            version = version_of(run.champion)
            hour = read_item(ledger, keys.quality_hour(model, trigger.reason, version))
            if hour:
                self._link_trigger(model, version, self._quality(model, hour), identity)

    def _link_trigger(self, model: str, version: object, check: str, run: str) -> None:
        if isinstance(version, int):
            self.graph.link(self.package(model, version, whole=False), "checked by", check)
        self.graph.link(check, "triggered", run)

    def _jobs(self, model: str, run: Run, identity: str) -> list[str]:
        """Add the jobs that are recorded or left a report; return their nodes' ids in the order of the steps."""
        found = []
        for step in STEPS:
            facts, damage = self._reported(model, run, step)
            if not (facts.name or facts.validation or facts.evaluation or damage):
                continue
            description = reading.read_job(self.services, step, facts.name) if facts.name else None
            missing = join_texts("" if description else reading.NO_DESCRIPTION, damage)
            job = f"{model}/{run.run_id}/{step}"
            found.append(self.graph.add(job, replace(facts, description=description), missing=missing))
            self.graph.link(identity, "ran", found[-1])
        return found

    def _reported(self, model: str, run: Run, step: str) -> tuple[JobFacts, str]:
        """Return what is recorded and reported of a job, and a text that names a damaged report."""
        files, facts = RunFiles(model, run.run_id), JobFacts(step=step, name=(run.jobs or {}).get(step))
        if step == "validate":
            validation, damage = reading.read_validation(self.services, files)
            return replace(facts, validation=validation), damage
        if step == "evaluate":
            evaluation, damage = reading.read_evaluation(self.services, files)
            return replace(facts, evaluation=evaluation), damage
        return replace(facts, hyperparameters=run.recipe.hyperparameters if run.recipe else None), ""

    # -- packages ---------------------------------------------------------------------------------------------------

    def package(self, model: str, version: int, *, whole: bool, made_by: LedgerItem[Run] | None = None) -> str:
        """Add a package and return its node's id; if it is whole, with its run and all that followed."""
        name = f"{model}/{version}"
        if not whole and f"package:{name}" in self.graph.nodes:
            return f"package:{name}"
        items, arn = self._items(model), self.services.environment.model(model).package_arn(version)
        description = reading.read_description(self.services, arn)
        made_by = made_by or next((item for item in items.runs if item.value("package_arn") == arn), None)
        if made_by is None and description:
            # A damaged run may lack its package, but the package names its run.
            made_by = next((item for item in items.runs if item.damage and item.id == description.run), None)
        run = ""
        if whole and made_by and f"{model}/{made_by.id}" not in self._whole:
            run = self.run(model, made_by.id, whole=True)
            if made_by.record:
                return f"package:{name}"
        facts = PackageFacts(
            model=model, version=version, arn=arn, description=description, approval=_approval(made_by)
        )
        missing = "" if description else reading.NO_PACKAGE
        if not whole:
            return self.graph.add(name, facts, missing=missing)
        checks = [item for item in items.checks if item.value("version") == version]
        hours = [item for item in items.quality_hours if item.value("version") == version]
        facts = replace(facts, checks=reading.count_checks(checks), quality=reading.count_checks(hours))
        identity = self.graph.add(name, facts, missing=missing)
        if run:
            self.graph.link(run, "made", identity)
        self._after_package(model, arn, identity)
        for check in [item for item in checks if _is_shown(item)][-SHOWN_CHECKS:]:
            self.graph.link(identity, "checked by", self._check(model, check))
        for hour in [item for item in hours if _is_shown(item)][-SHOWN_CHECKS:]:
            self.graph.link(identity, "checked by", self._quality(model, hour))
        self._note_damage(items, identity)
        return identity

    def _after_package(self, model: str, arn: str, identity: str) -> None:
        items = self._items(model)
        champion = items.champion.record if items.champion else None
        for item in items.releases:
            if item.value("package_arn") == arn:
                release = self._release(model, item)
                self.graph.link(identity, "released by", release)
                if champion and champion.release_id == item.id:
                    facts = EndpointFacts(model=model, champion=package_name(model, arn), since=champion.since)
                    endpoint = self.graph.add(self.services.environment.model(model).endpoint, facts)
                    self.graph.link(release, "serves at", endpoint)
        for run in items.runs:
            for name, relation in REFERENCES:
                if run.value(name) == arn:
                    self.graph.link(identity, relation, self.run(model, run.id, whole=False))

    def _note_damage(self, items: ModelItems, package: str) -> None:
        """Name the damaged items that do not say which version they belong to."""
        if items.champion and items.champion.damage:
            self.graph.note(package, items.champion.damage)
        for release in items.releases:
            if release.damage and not isinstance(release.value("package_arn"), str):
                self.graph.note(package, release.damage)
        for check in (*items.checks, *items.quality_hours):
            if check.damage and not isinstance(check.value("version"), int):
                self.graph.note(package, check.damage)

    def _release(self, model: str, item: LedgerItem[Release]) -> str:
        unknown = ReleaseFacts(release_id=item.id, outcome=UNKNOWN)
        facts = reading.release_facts(item.record) if item.record else unknown
        return self.graph.add(f"{model}/{item.id}", facts, missing=item.damage)

    def _check(self, model: str, item: LedgerItem[Check]) -> str:
        unknown = CheckFacts(check_id=item.id, outcome=UNKNOWN, worst=())
        facts = reading.check_facts(item.record) if item.record else unknown
        return self.graph.add(f"{model}/{item.id}", facts, missing=item.damage)

    def _quality(self, model: str, item: LedgerItem[QualityHour]) -> str:
        window, _, version = item.id.rpartition("#v")
        unknown = QualityFacts(window=window, outcome=UNKNOWN, value=None, evaluated=None)
        facts = reading.quality_facts(item.record) if item.record else unknown
        return self.graph.add(f"{model}/{window}/{int(version)}", facts, missing=item.damage)

    # -- endpoints --------------------------------------------------------------------------------------------------

    def endpoint(self, model: Model) -> str:
        """Add an endpoint with the packages that its release state names, and return its node's id."""
        champion, chain = self._items(model.name).champion, read_chain(self.services, model)
        state, damage = self._release_state(model)
        facts = EndpointFacts(
            model=model.name,
            champion=package_name(model.name, state.champion) if state.champion else None,
            since=champion.record.since if champion and champion.record else None,
            state=EndpointState(
                challenger=package_name(model.name, state.challenger) if state.challenger else None,
                status=chain.status if chain else None,
                serves=tuple(package_name(model.name, arn) for arn in chain.packages) if chain else (),
            ),
        )
        missing = join_texts("" if chain else "there is no endpoint", damage, champion.damage if champion else "")
        identity = self.graph.add(model.endpoint, facts, missing=missing)
        for arn in (state.champion, state.challenger):
            if arn:
                package = self.package(model.name, version_of(arn), whole=True)
                if not any(edge.target == identity for edge in self.graph.edges):
                    self.graph.link(package, "serves at", identity)
        return identity

    def _release_state(self, model: Model) -> tuple[ReleaseState, str]:
        """Return the release state, and a text that names a damaged one."""
        try:
            return ReleaseState.from_value(self.services.parameter(model.release_parameter)), ""
        except InvalidReleaseStateError as error:
            return ReleaseState(), f"{model.release_parameter} is damaged: {error}"
        except ClientError as error:
            if code_of(error) == "ParameterNotFound":
                return ReleaseState(), ""
            raise


def tombstones(history: History) -> dict[str, LedgerItem[Tombstone]]:
    """Return the tombstones of rewritten commits by the commits' old ids.

    A tombstone is written before the commit is rewritten: it counts once the head does not lead to the commit any more.
    """
    items = read_items(history.ledger, keys.tombstones(history.dataset))
    found = {item.id: item for item in items}
    if found:
        # The chain ends early at a missing or damaged commit.
        with suppress(InvalidCommitError, InvalidRecordError):
            for record in history.chain():
                found.pop(record.id, None)
    return found


def _is_shown(item: LedgerItem[Check | QualityHour]) -> bool:
    """Return whether a check found something, or is damaged."""
    return item.record is None or item.record.outcome in FOUND


def _approval(made_by: LedgerItem[Run] | None) -> Approval | None:
    run = made_by.record if made_by else None
    if not run or not run.approved_by:
        return None
    return Approval(by=run.approved_by, at=run.approved_at, comment=run.approval_comment)
