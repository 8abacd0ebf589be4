"""Each function's environment variables as a type that both sides share: infra writes it, the handler reads it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from pipelines.interface.names import Environment


class MissingEnvironmentError(RuntimeError):
    """Environment variables that the function needs are not set; the message names all of them."""


@dataclass(frozen=True, kw_only=True)
class Env:
    """The environment of one function. Field ``ledger_table`` is the variable ``LEDGER_TABLE``."""

    HANDLER: ClassVar[str]

    def to_environment(self) -> dict[str, str]:
        return {field.name.upper(): str(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        names = [field.name for field in fields(cls)]
        missing = [name.upper() for name in names if not environ.get(name.upper())]
        if missing:
            raise MissingEnvironmentError(f"{cls.__name__}: not set: {', '.join(missing)}")
        return cls(**{name: environ[name.upper()] for name in names})


@dataclass(frozen=True, kw_only=True)
class FunctionEnv(Env):
    """What every function knows: which environment it serves. All names follow from it (``names.Environment``)."""

    team: str
    stage: str
    account: str
    region: str

    @property
    def environment(self) -> Environment:
        return Environment(team=self.team, stage=self.stage, account=self.account, region=self.region)


@dataclass(frozen=True, kw_only=True)
class TakeLeaseEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.take_lease.handler.handle"


@dataclass(frozen=True, kw_only=True)
class PlanRunEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.plan_run.handler.handle"
    packages_uri: str


@dataclass(frozen=True, kw_only=True)
class JudgeCandidateEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.judge_candidate.handler.handle"


@dataclass(frozen=True, kw_only=True)
class CompareReproductionEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.compare_reproduction.handler.handle"


@dataclass(frozen=True, kw_only=True)
class RegisterCandidateEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.register_candidate.handler.handle"


@dataclass(frozen=True, kw_only=True)
class FinishRunEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.finish_run.handler.handle"


@dataclass(frozen=True, kw_only=True)
class ApprovePackageEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.approve_package.handler.handle"


@dataclass(frozen=True, kw_only=True)
class BeginReleaseEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.begin_release.handler.handle"


@dataclass(frozen=True, kw_only=True)
class UpdateServingEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.update_serving.handler.handle"


@dataclass(frozen=True, kw_only=True)
class ReadServingEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.read_serving.handler.handle"


@dataclass(frozen=True, kw_only=True)
class VerifyReleaseEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.verify_release.handler.handle"


@dataclass(frozen=True, kw_only=True)
class FinishReleaseEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.finish_release.handler.handle"


@dataclass(frozen=True, kw_only=True)
class DriftCheckEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.drift_check.handler.handle"
    key_arn: str


@dataclass(frozen=True, kw_only=True)
class CountBatchEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.count_batch.handler.handle"
    key_arn: str


@dataclass(frozen=True, kw_only=True)
class ConcludeCheckEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.conclude_check.handler.handle"
    key_arn: str


@dataclass(frozen=True, kw_only=True)
class LandFilesEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.land_files.handler.handle"


@dataclass(frozen=True, kw_only=True)
class CreateReleaseStatesEnv(FunctionEnv):
    HANDLER: ClassVar[str] = "functions.create_release_states.handler.handle"


FUNCTIONS: dict[str, type[FunctionEnv]] = {
    cls.HANDLER.split(".")[1]: cls
    for cls in (
        TakeLeaseEnv,
        PlanRunEnv,
        JudgeCandidateEnv,
        CompareReproductionEnv,
        RegisterCandidateEnv,
        FinishRunEnv,
        ApprovePackageEnv,
        BeginReleaseEnv,
        UpdateServingEnv,
        ReadServingEnv,
        VerifyReleaseEnv,
        FinishReleaseEnv,
        DriftCheckEnv,
        CountBatchEnv,
        ConcludeCheckEnv,
        LandFilesEnv,
        CreateReleaseStatesEnv,
    )
}
"""Every function of the Operations stack, by its folder's name."""
