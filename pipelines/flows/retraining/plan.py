"""Plans a run: decides once, from a frozen commit, everything that the jobs' requests need.

``make_plan`` is pure; ``plan_run`` reads what it needs, keeps the environment's own copies, and records the plan.
"""

import json
from dataclasses import dataclass, replace

from pipelines.aws.clients import Services
from pipelines.aws.packages import read_package
from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.flows.retraining.original import OriginalPackage, read_original, recorded_sources
from pipelines.flows.retraining.recipe import keep_code, keep_packages, recipe_of
from pipelines.interface import jobs, keys, log
from pipelines.interface.codec import JsonObject
from pipelines.interface.names import Model, version_of
from pipelines.interface.paths import RunFiles, code_key, packages_key
from pipelines.interface.records import CommitUse, RunInputs, TriggerKind
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.requests import PackageVersion, PlanRequest, ProcessingStep, ReproducedPackage, RunPlan
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import digest


@dataclass(frozen=True, kw_only=True)
class ServingPackage:
    """The package in service, and the URI of its artifact."""

    package_arn: str
    version: int
    model_uri: str


@dataclass(frozen=True, kw_only=True)
class RunSources:
    """The sources of a plan. ``settings.code_uri`` is the environment's copy; ``bucket_uri`` ends in a slash.

    ``original`` is the package that a reproduction trains again; it takes the champion's place.
    """

    model: Model
    settings: ModelSettings
    files: RunFiles
    bucket_uri: str
    job_id: str
    commit: str
    key_arn: str
    code_sha256: str
    packages_uri: str
    champion: ServingPackage | None
    original: OriginalPackage | None

    def uri(self, key: str) -> str:
        return f"{self.bucket_uri}{key}"


def plan_run(request: PlanRequest, services: Services, *, packages_uri: str) -> RunPlan:
    """Freeze the dataset's head, find the champion, and return the plan of the jobs.

    A reproduction uses the recorded sources of the package's own run instead. ``packages_uri`` is the archive of the
    packages that jobs need and their container lacks; the environment keeps a copy.

    Raises
    ------
    NoDataError
        The dataset has no commit yet, or the recorded one no longer exists.
    NotReproducibleError
        The package cannot be reproduced.
    """
    settings, original = services.settings(request.model), None
    model = services.environment.model(settings.model)
    if request.trigger.kind == TriggerKind.REPRODUCTION:
        original = read_original(services, model, request.trigger.package_arn)
        settings, dataset, commit = recorded_sources(services, settings, original)
        packages_uri = original.packages_uri
    else:
        dataset = Dataset(name=settings.dataset, bucket=services.bucket("data"), ledger=services.ledger)
        commit = dataset.head()
    artifacts, files = services.bucket("artifacts"), RunFiles(settings.model, request.lease.run_id)
    artifacts.write_json(files.commit, commit.to_document())
    artifacts.write_json(files.manifest, dataset.sagemaker_manifest(commit))
    recipe = original.recipe if original else None
    code_sha256 = keep_code(services, settings.code_uri, expected_sha256=recipe.code_sha256 if recipe else None)
    packages_sha256 = keep_packages(services, packages_uri, expected_sha256=recipe.packages_sha256 if recipe else None)
    settings = replace(settings, code_uri=artifacts.uri(code_key(code_sha256)))
    sources = RunSources(
        model=model,
        settings=settings,
        files=files,
        bucket_uri=artifacts.uri(""),
        job_id=digest(request.execution),
        commit=commit.id,
        key_arn=services.parameter(services.environment.key_parameter),
        code_sha256=code_sha256,
        packages_uri=artifacts.uri(packages_key(packages_sha256)),
        champion=None if original else find_champion(services, model),
        original=original,
    )
    _record(services, sources, commit, packages_sha256=packages_sha256)
    return make_plan(sources)


def make_plan(sources: RunSources) -> RunPlan:
    """Return the plan of a run."""
    settings, champion, original, files = sources.settings, sources.champion, sources.original, sources.files
    environment = sources.model.environment
    return RunPlan(
        run_id=files.run_id,
        job_id=sources.job_id,
        commit=sources.commit,
        approval=settings.approval,
        image=settings.image,
        code_uri=settings.code_uri,
        code_sha256=sources.code_sha256,
        training_role=environment.role_arn(environment.job_role("training")),
        key_arn=sources.key_arn,
        training=settings.training,
        processing=settings.processing,
        hyperparameters=hyperparameters(settings, environment.region),
        validate=_validate(sources),
        training_data_uri=sources.uri(files.training_data),
        training_output_uri=sources.uri(files.models).rstrip("/"),
        candidate_uri_prefix=sources.uri(files.models),
        evaluate=_evaluate(sources),
        run_uri=sources.uri(files.prefix),
        scratch_uri=sources.uri(files.scratch),
        champion=PackageVersion(package_arn=champion.package_arn, version=champion.version) if champion else None,
        reproduces=ReproducedPackage(package_arn=original.package_arn, run_id=original.run_id) if original else None,
    )


def _record(services: Services, sources: RunSources, commit: Commit, *, packages_sha256: str) -> None:
    """Record the sources of a run in the run's item, and the run as a use of its commit."""
    model, dataset = sources.model.name, sources.settings.dataset
    inputs = RunInputs(
        dataset=dataset,
        commit=commit.id,
        tree=commit.tree,
        champion=sources.champion.package_arn if sources.champion else None,
        reproduces=sources.original.package_arn if sources.original else None,
        job_id=sources.job_id,
        recipe=recipe_of(sources.settings, code_sha256=sources.code_sha256, packages_sha256=packages_sha256),
    )
    services.ledger.update(keys.run(model, sources.files.run_id), inputs)
    use = CommitUse(model=model, run_id=sources.files.run_id, dataset=dataset, commit=commit.id)
    services.ledger.update(keys.commit_use(dataset, commit.id, model, sources.files.run_id), use)
    with log.bound(commit=commit.id):
        log.info("run planned", dataset=dataset, champion=inputs.champion, reproduces=inputs.reproduces)


def find_champion(services: Services, model: Model) -> ServingPackage | None:
    """Return the package that the release state names, or None."""
    arn = ReleaseState.from_value(services.parameter(model.release_parameter)).champion
    if arn is None:
        return None
    uri = read_package(services, arn).model_data_url
    return ServingPackage(package_arn=arn, version=version_of(arn), model_uri=uri)


def hyperparameters(settings: ModelSettings, region: str) -> dict[str, str]:
    """Return the training request's hyperparameters; script mode expects each value JSON-encoded."""
    values = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": f"{jobs.CODE_CHANNEL}/{settings.code_uri.rpartition('/')[2]}",
        "sagemaker_region": region,
        "target": settings.target,
        **settings.hyperparameters,
    }
    return {name: json.dumps(value) for name, value in values.items()}


def _validate(sources: RunSources) -> ProcessingStep:
    settings, files = sources.settings, sources.files
    return ProcessingStep(
        inputs=(
            _input("code", settings.code_uri),
            _input("data", sources.uri(files.manifest), kind="ManifestFile"),
            _input("commit", sources.uri(files.commit)),
            _input("packages", sources.packages_uri),
        ),
        arguments=(
            *("--data", jobs.input_dir("data"), "--commit", jobs.input_dir("commit")),
            *("--packages", jobs.input_dir("packages")),
            *("--output", jobs.OUTPUT, "--message-file", jobs.MESSAGE_FILE),
            *("--target", settings.target, "--time-column", settings.time_column),
            *("--window-months", str(settings.window_months), "--holdout-months", str(settings.holdout_months)),
        ),
    )


def _evaluate(sources: RunSources) -> ProcessingStep:
    settings, compared = sources.settings, sources.original or sources.champion
    inputs = [
        _input("code", settings.code_uri),
        _input("training", sources.uri(sources.files.training_data)),
        _input("holdout", sources.uri(sources.files.holdout_data)),
    ]
    arguments = [
        *("--training", jobs.input_dir("training"), "--holdout", jobs.input_dir("holdout")),
        *("--candidate", jobs.input_dir(jobs.CANDIDATE_INPUT)),
        *("--output", jobs.OUTPUT, "--message-file", jobs.MESSAGE_FILE),
        *("--task", settings.task, "--target", settings.target, "--metric", settings.gate.metric),
    ]
    if compared and compared.model_uri:
        inputs.append(_input("champion", compared.model_uri))
        arguments += ["--champion", jobs.input_dir("champion"), "--champion-version", str(compared.version)]
    return ProcessingStep(inputs=tuple(inputs), arguments=tuple(arguments))


def _input(name: str, uri: str, *, kind: str = "S3Prefix") -> JsonObject:
    """Return one of CreateProcessingJob's ProcessingInputs."""
    source = {
        "S3Uri": uri,
        "LocalPath": jobs.input_dir(name),
        "S3DataType": kind,
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"InputName": name, "S3Input": source}
