"""The pipeline that every renderer writes: jobs with steps, each a script of Bash."""

from dataclasses import dataclass

from infra.fleet.spec import CiSpec

FOLDER = "build/ci"
"""Folder of the files that steps leave for the comment."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """The role that a step assumes by the job's OpenID Connect token."""

    arn: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """One script. ``always`` runs it after a failure, too; ``posts`` appends the system's script for the comment."""

    name: str
    run: str
    role: Role | None = None
    always: bool = False
    posts: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    """Steps on one runner, for each change (a merge request) or for each commit of the deployed branch, or both.

    ``stage`` is the stage that the job deploys, or ""; ``approved`` says that a person must approve it first.
    """

    name: str
    title: str
    on_change: bool
    on_branch: bool
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
    stage: str = ""
    approved: bool = False
    timeout_minutes: int = 60

    @property
    def takes_token(self) -> bool:
        return any(step.role for step in self.steps)

    @property
    def posts(self) -> bool:
        return any(step.posts for step in self.steps)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The jobs of a fleet, each after those that it needs."""

    ci: CiSpec
    jobs: tuple[Job, ...]
