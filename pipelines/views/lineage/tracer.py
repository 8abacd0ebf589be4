"""Adding things to the graph of a lineage, each with what led to it and what it led to."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipelines.aws.clients import Services
from pipelines.datasets.commits.history import History
from pipelines.datasets.commits.manifest import InvalidCommitError
from pipelines.flows.release.serving import read_chain
from pipelines.interface import keys
from pipelines.interface.names import Model
from pipelines.interface.release_state import ReleaseState
from pipelines.views.lineage import records
from pipelines.views.lineage.graph import Graph
from pipelines.views.lineage.records import GONE, package_name, version_of

SHOWN_CHECKS = 5
"""Of a package: as many of its newest checks that found something are nodes; all are counted."""
FOUND = ("drift", "broken_input", "lost")
"""Outcomes of drift and quality checks that found something."""
STEPS = ("validate", "train", "evaluate")


@dataclass
class Tracer:
    """Adds things to the graph, each with what leads to it and what it leads to; ``whole`` with all of that."""

    services: Services
    graph: Graph

    def __post_init__(self) -> None:
        self._items: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._whole: set[str] = set()

    def items(self, model: str, prefix: str) -> list[dict[str, Any]]:
        """A model's ledger items of one kind, read once."""
        key = (model, prefix)
        if key not in self._items:
            self._items[key] = list(self.services.ledger.query(keys.model_pk(model), prefix))
        return self._items[key]

    def arn(self, model: str, version: int) -> str:
        environment = self.services.environment
        return environment.arn("sagemaker", f"model-package/{environment.model(model).package_group}/{version}")

    # -- commits ----------------------------------------------------------------------------------------------------

    def commit(self, dataset: str, commit_id: str) -> str:
        """A commit; if it was rewritten also what it became, and if it is a rewritten one what it was."""
        name = f"{dataset}/{commit_id}"
        if f"commit:{name}" in self.graph.nodes:
            return f"commit:{name}"
        history = History(dataset=dataset, ledger=self.services.ledger)
        stones = tombstones(history)
        attributes, missing = records.read_commit(self.services, dataset, commit_id)
        if stone := stones.get(commit_id):
            attributes["forgotten"] = {field: stone.get(field) for field in ("new", "time", "by", "reason")}
            missing = f"forgotten at {stone.get('time')} by {stone.get('by')}"
        identity = self.graph.add("commit", name, attributes, missing=missing)
        if stone:
            self.graph.link(identity, "rewritten as", self.commit(dataset, stone["new"]))
        for old, stone in stones.items():
            if stone["new"] == commit_id:
                self.graph.link(self.commit(dataset, old), "rewritten as", identity)
        return identity

    # -- runs -------------------------------------------------------------------------------------------------------

    def run(self, model: str, run_id: str, *, whole: bool) -> str:
        """A run: alone, or whole with its commit, jobs, champion and package."""
        item = self.services.ledger.get(keys.model_pk(model), keys.run_sk(run_id))
        name = f"{model}/{run_id}"
        if name in self._whole:
            return f"run:{name}"
        if item is None:
            attributes = {"model": model, "run_id": run_id, "outcome": "unknown"}
            return self.graph.add("run", name, attributes, missing=f"the ledger's record is {GONE}")
        # Before the run itself, so that what came first stands first.
        commit = self._commit_of(item) if whole and item.get("commit") else None
        identity = self.graph.add("run", name, records.of_run(item, model))
        if commit:
            self.graph.link(commit, "used by", identity)
        jobs = []
        if whole:
            self._whole.add(name)
            self._before_run(model, item, identity)
            jobs = self._jobs(model, item, identity)
        if item.get("package_arn"):
            package = self.package(model, version_of(item["package_arn"]), whole=whole, made_by=item)
            for job, relation in ((f"job:{name}/train", "made"), (f"job:{name}/evaluate", "measured")):
                if job in jobs:
                    self.graph.link(job, relation, package)
            if not jobs:
                self.graph.link(identity, "made", package)
        return identity

    def _commit_of(self, item: Mapping[str, Any]) -> str:
        # Runs that were recorded before datasets were: the plan's own copy of the commit would say it as well.
        return self.commit(item.get("dataset", "unknown"), item["commit"])

    def _before_run(self, model: str, item: Mapping[str, Any], identity: str) -> None:
        for field, relation in (("champion", "compared with"), ("reproduces", "reproduced by")):
            if item.get(field):
                self.graph.link(self.package(model, version_of(item[field]), whole=False), relation, identity)
        if found := self._trigger(model, item):
            check = self._check(model, found)
            self.graph.link(self.package(model, found["version"], whole=False), "checked by", check)
            self.graph.link(check, "triggered", identity)

    def _trigger(self, model: str, item: Mapping[str, Any]) -> dict[str, Any] | None:
        """The check that started a run, whose trigger names a drift check, or the window of a quality check."""
        trigger, pk = item.get("trigger", {}), keys.model_pk(model)
        if trigger.get("kind") == "drift":
            return self.services.ledger.get(pk, keys.check_sk(trigger["reason"]))
        if trigger.get("kind") == "quality" and item.get("champion"):
            return self.services.ledger.get(pk, keys.quality_sk(trigger["reason"], version_of(item["champion"])))
        return None

    def _check(self, model: str, item: Mapping[str, Any]) -> str:
        if "check_id" in item:
            return self.graph.add("check", f"{model}/{item['check_id']}", records.of_check(item))
        name = f"{model}/{item['window']}/{item['version']}"
        return self.graph.add("quality", name, records.of_quality(item))

    def _jobs(self, model: str, item: Mapping[str, Any], run: str) -> list[str]:
        """The run's jobs, in order: those that are recorded, and those whose reports are there."""
        run_id, names = item["run_id"], item.get("jobs", {})
        found = []
        reports = {
            "validate": {"validation": records.read_validation(self.services, model, run_id)},
            "train": {"hyperparameters": item.get("recipe", {}).get("hyperparameters")},
            "evaluate": {"evaluation": records.read_evaluation(self.services, model, run_id)},
        }
        for step in STEPS:
            report = {name: value for name, value in reports[step].items() if value is not None}
            name = names.get(step)
            if not name and (not report or step == "train"):
                continue
            described = records.read_job(self.services, step, name) if name else None
            identity = self.graph.add(
                "job",
                f"{model}/{run_id}/{step}",
                {"step": step, "name": name, **(described or {}), **report},
                missing="" if described else f"SageMaker's description is {GONE}",
            )
            self.graph.link(run, "ran", identity)
            found.append(identity)
        return found

    # -- packages ---------------------------------------------------------------------------------------------------

    def package(self, model: str, version: int, *, whole: bool, made_by: Mapping[str, Any] | None = None) -> str:
        """A package: alone, or whole with the run that made it and all that followed."""
        name = f"{model}/{version}"
        if not whole and f"package:{name}" in self.graph.nodes:
            return f"package:{name}"
        arn = self.arn(model, version)
        described = records.read_package(self.services, arn)
        runs = self.items(model, keys.run_sk(""))
        made_by = made_by or next((item for item in runs if item.get("package_arn") == arn), None)
        if whole and made_by and f"{model}/{made_by['run_id']}" not in self._whole:
            self.run(model, made_by["run_id"], whole=True)
            return f"package:{name}"
        attributes = {"model": model, "version": version, "arn": arn, **(described or {})}
        if made_by and made_by.get("approved_by"):
            fields = {"by": "approved_by", "at": "approved_at", "comment": "approval_comment"}
            attributes["approval"] = {field: made_by.get(recorded) for field, recorded in fields.items()}
        missing = "" if described else f"the registry's entry is {GONE}"
        if not whole:
            return self.graph.add("package", name, attributes, missing=missing)
        checks = {
            kind: [item for item in self.items(model, prefix) if item.get("version") == version]
            for kind, prefix in (("checks", keys.check_sk("")), ("quality", "quality#"))
        }
        attributes |= {kind: summary_of(items) for kind, items in checks.items()}
        identity = self.graph.add("package", name, attributes, missing=missing)
        self._after_package(model, arn, identity)
        for items in checks.values():
            for item in [item for item in items if item.get("outcome") in FOUND][-SHOWN_CHECKS:]:
                self.graph.link(identity, "checked by", self._check(model, item))
        return identity

    def _after_package(self, model: str, arn: str, identity: str) -> None:
        champion = self.services.ledger.get(keys.model_pk(model), keys.CHAMPION) or {}
        for item in self.items(model, keys.release_sk("")):
            if item.get("package_arn") == arn:
                release = self.graph.add("release", f"{model}/{item['release_id']}", records.of_release(item))
                self.graph.link(identity, "released by", release)
                if champion.get("release_id") == item["release_id"]:
                    endpoint = self.services.environment.model(model).endpoint
                    serves = {"model": model, "champion": package_name(model, arn), "since": champion.get("since")}
                    self.graph.link(release, "serves at", self.graph.add("endpoint", endpoint, serves))
        for item in self.items(model, keys.run_sk("")):
            for field, relation in (("champion", "compared with"), ("reproduces", "reproduced by")):
                if item.get(field) == arn:
                    self.graph.link(identity, relation, self.run(model, item["run_id"], whole=False))

    # -- endpoints --------------------------------------------------------------------------------------------------

    def endpoint(self, model: Model) -> str:
        """An endpoint, and whole the packages that its release state names."""
        services = self.services
        champion = services.ledger.get(keys.model_pk(model.name), keys.CHAMPION) or {}
        state = self._release_state(model)
        chain = read_chain(services, model)
        attributes = {
            "model": model.name,
            "champion": package_name(model.name, state.champion) if state.champion else None,
            "challenger": package_name(model.name, state.challenger) if state.challenger else None,
            "since": champion.get("since"),
            "status": chain.status if chain else None,
            "serves": [package_name(model.name, arn) for arn in chain.packages] if chain else [],
        }
        missing = "" if chain else "there is no endpoint"
        identity = self.graph.add("endpoint", model.endpoint, attributes, missing=missing)
        for arn in (state.champion, state.challenger):
            if arn:
                package = self.package(model.name, version_of(arn), whole=True)
                if not any(edge.target == identity for edge in self.graph.edges):
                    self.graph.link(package, "serves at", identity)
        return identity

    def _release_state(self, model: Model) -> ReleaseState:
        try:
            return ReleaseState.from_value(self.services.parameter(model.release_parameter))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ParameterNotFound":
                return ReleaseState()
            raise


def tombstones(history: History) -> dict[str, dict[str, Any]]:
    """What became of each rewritten commit; a tombstone counts once the head does not lead to its commit any more."""
    prefix = keys.tombstone_sk("")
    items = history.ledger.query(keys.dataset_pk(history.dataset), prefix)
    found = {item["sk"].removeprefix(prefix): item for item in items}
    if found:
        with suppress(InvalidCommitError):
            for record in history.chain():
                found.pop(record.id, None)
    return found


def summary_of(checks: list[dict[str, Any]]) -> dict[str, Any]:
    """How many checks there were, with which outcomes, and from when to when."""
    return {
        "total": len(checks),
        "outcomes": dict(sorted(Counter(item.get("outcome", "unknown") for item in checks).items())),
        "first": checks[0].get("end") if checks else None,
        "last": checks[-1].get("end") if checks else None,
    }
