"""Reads the package that a reproduction trains again, and the record of its run."""

from dataclasses import dataclass

from pipelines.aws.clients import Services
from pipelines.aws.packages import UnknownPackageError, read_package
from pipelines.datasets.commits.commits import Commit, Dataset
from pipelines.flows.retraining.recipe import applied
from pipelines.interface import keys
from pipelines.interface.names import Model, version_of
from pipelines.interface.paths import packages_key
from pipelines.interface.records import Recipe
from pipelines.interface.settings import ModelSettings


class NotReproducibleError(LookupError):
    """A source of the package was not recorded or no longer exists; the message names it."""


class CommitForgottenError(NotReproducibleError):
    """The commit was rewritten to forget data: the package must not be trained on the forgotten rows again."""


@dataclass(frozen=True, kw_only=True)
class OriginalPackage:
    """The recorded package. ``model_uri`` is None if its artifact is gone; then only recorded values are compared."""

    package_arn: str
    version: int
    model_uri: str | None
    run_id: str
    commit: str
    recipe: Recipe
    packages_uri: str


def read_original(services: Services, model: Model, package_arn: str) -> OriginalPackage:
    """Return a package with the record of its run.

    Raises
    ------
    NotReproducibleError
        There is no such package of this model, or its run was recorded without a recipe.
    """
    group = package_arn.rpartition("/")[0]
    if group != model.environment.arn("sagemaker", f"model-package/{model.package_group}"):
        raise NotReproducibleError(f"{package_arn!r} is not a package of {model.id}")
    try:
        package = read_package(services, package_arn)
    except UnknownPackageError as error:
        raise NotReproducibleError(str(error)) from error
    run_id = package.metadata.run
    run = services.ledger.get(keys.run(model.name, run_id))
    if not run or not run.recipe or not run.commit:
        raise NotReproducibleError(
            f"the ledger has no recipe of run {run_id or 'unknown'}, which made {package_arn}; "
            "reproduce a newer version"
        )
    artifacts, uri = services.bucket("artifacts"), package.model_data_url
    return OriginalPackage(
        package_arn=package_arn,
        version=version_of(package_arn),
        model_uri=uri if artifacts.exists(artifacts.key_of(uri)) else None,
        run_id=run_id,
        commit=run.commit,
        recipe=run.recipe,
        packages_uri=artifacts.uri(packages_key(run.recipe.packages_sha256)),
    )


def recorded_sources(
    services: Services, settings: ModelSettings, original: OriginalPackage
) -> tuple[ModelSettings, Dataset, Commit]:
    """Return the settings, the dataset and the commit that made the ``original``.

    Raises
    ------
    CommitForgottenError
        The commit was rewritten since; the message names its successor.
    NoDataError
        The commit no longer exists.
    """
    recorded = applied(settings, original.recipe)
    ledger, commit_id = services.ledger, original.commit
    if stone := ledger.get(keys.tombstone(recorded.dataset, commit_id)):
        raise CommitForgottenError(
            f"{original.package_arn} cannot be reproduced: its commit {commit_id} of {recorded.dataset} was "
            f"rewritten to {stone.new} at {stone.time} by {stone.by}, to forget data; train a new version instead"
        )
    dataset = Dataset(name=recorded.dataset, bucket=services.bucket("data"), ledger=ledger)
    return recorded, dataset, dataset.read_commit(commit_id)
