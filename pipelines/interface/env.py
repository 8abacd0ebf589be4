"""The functions' environment variables as types that both sides share: infra writes them, the handler reads them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Self

from pipelines.interface.names import Environment


class MissingEnvironmentError(RuntimeError):
    """Environment variables that the function needs are not set; the message names all of them."""


@dataclass(frozen=True, kw_only=True)
class FunctionEnv:
    """The variables that every function has. Field ``team`` is the variable ``TEAM``.

    They identify the function's environment; all names follow from it (``names.Environment``), but that of the data
    bucket, which may have been adopted.
    """

    team: str
    stage: str
    account: str
    region: str
    data_bucket: str

    @property
    def environment(self) -> Environment:
        return Environment(
            team=self.team,
            stage=self.stage,
            account=self.account,
            region=self.region,
            data_bucket=self.data_bucket,
        )

    def to_environment(self) -> dict[str, str]:
        return {field.name.upper(): str(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        names = [field.name for field in fields(cls)]
        missing = [name.upper() for name in names if not environ.get(name.upper())]
        if missing:
            raise MissingEnvironmentError(
                f"{cls.__name__}: not set: {', '.join(missing)}; deploy the Operations stack again"
            )
        return cls(**{name: environ[name.upper()] for name in names})


@dataclass(frozen=True, kw_only=True)
class PlanRunEnv(FunctionEnv):
    """The variables of plan_run; ``packages_uri`` is the archive of the packages that jobs' container lacks."""

    packages_uri: str


@dataclass(frozen=True, kw_only=True)
class BeginReleaseEnv(FunctionEnv):
    """The variables of begin_release: the key and the days of retention of an endpoint's log group."""

    key_arn: str
    log_days: str


@dataclass(frozen=True, kw_only=True)
class CheckEnv(FunctionEnv):
    """The variables of the checks' functions; ``key_arn`` is the key that encrypts the checks' documents."""

    key_arn: str


PLACE_SEPARATOR = "/"
"""Separator of stage, account and region in a variable; commas separate several."""


def to_places(environments: Iterable[Environment]) -> str:
    """Return environments of one team as the value of a variable: ``dev/111111111111/us-east-1``."""
    return ",".join(PLACE_SEPARATOR.join((each.stage, each.account, each.region)) for each in environments)


def _from_places(team: str, text: str) -> list[Environment]:
    places = (place.split(PLACE_SEPARATOR) for place in text.split(","))
    return [Environment(team=team, stage=stage, account=account, region=region) for stage, account, region in places]


@dataclass(frozen=True, kw_only=True)
class RequestPromotionEnv(FunctionEnv):
    """The variables of request_promotion: the place of the tooling environment, and the later stages in order."""

    tooling_place: str
    later_stages: str

    @property
    def tooling(self) -> Environment:
        (found,) = _from_places(self.team, self.tooling_place)
        return found

    @property
    def stage_names(self) -> list[str]:
        return self.later_stages.split(",")


@dataclass(frozen=True, kw_only=True)
class Origins:
    """The environments that one takes models from, as its deployment knows them.

    ``trainers`` are those that may train, ``source`` is the one whose bucket the files are copied from, ``stages`` are
    the team's in order.
    """

    trainers: tuple[Environment, ...]
    source: Environment
    stages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ImportReleaseEnv(FunctionEnv):
    """The variables of import_release: see ``Origins``."""

    trainer_places: str
    source_place: str
    stages: str

    @property
    def origins(self) -> Origins:
        (source,) = _from_places(self.team, self.source_place)
        return Origins(
            trainers=tuple(_from_places(self.team, self.trainer_places)),
            source=source,
            stages=tuple(self.stages.split(",")),
        )
