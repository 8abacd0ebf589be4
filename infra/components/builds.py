"""The CodeBuild projects of a tooling environment: one builds, one updates the pipelines, one deploys to each place."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.build_project import BuildProject, buildspec, deploy_to
from pipelines.interface.names import Environment

ASSEMBLY = "assembly"
"""Folder of the cloud assembly in the build's artifact."""
DEPLOYED = (
    f"{ASSEMBLY}/**/*",
    *(f"{folder}/**/*" for folder in ("functions", "infra", "mooring", "pipelines")),
    *("Makefile", "README.md", "LICENSE", "pyproject.toml", "cdk.json", "fleet.yaml"),
    *("package.json", "package-lock.json", "requirements*.lock"),
)
"""Files that ``mooring deploy --assembly`` and ``make setup`` need."""
DEPLOY = f'mooring deploy --assembly {ASSEMBLY} "$ENVIRONMENT"'


class Builds(Construct):
    """The projects ``build``, ``update``, and ``deploys`` by the id of the environment that they deploy.

    Environments of one account and region share a project: its role reaches that place only.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        deployed: Sequence[Environment],
        artifacts: s3.IBucket,
        key: kms.IKey,
        log_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment, self._artifacts, self._key, self._log_days = environment, artifacts, key, log_days
        ids = ",".join(each.id for each in (environment, *deployed))
        self.build = BuildProject(
            self,
            "Build",
            environment=environment,
            name=environment.build_project("build"),
            description=f"Checks the code of team {environment.team}, and synthesizes its stacks once",
            spec=buildspec(
                "make check",
                f"cdk synth --quiet --output {ASSEMBLY} --context environment={ids}",
                files=DEPLOYED,
            ),
            timeout=Duration.hours(3),
            compute=codebuild.ComputeType.LARGE,
            artifacts=artifacts,
            key=key,
            log_days=log_days,
        ).project
        self.update = self._deploy("Update", environment.build_project("update"), environment)
        places: dict[str, codebuild.PipelineProject] = {}
        self.deploys: dict[str, codebuild.IProject] = {}
        for each in deployed:
            name = environment.deploy_project(each)
            if name not in places:
                places[name] = self._deploy(f"Deploy{each.account}{each.region}", name, each)
            self.deploys[each.id] = places[name]

    def _deploy(self, construct_id: str, name: str, place: Environment) -> codebuild.PipelineProject:
        return BuildProject(
            self,
            construct_id,
            environment=self._environment,
            name=name,
            description=f"Deploys what was built to account {place.account}, {place.region}",
            spec=buildspec(DEPLOY),
            timeout=Duration.hours(8),
            compute=codebuild.ComputeType.SMALL,
            artifacts=self._artifacts,
            key=self._key,
            log_days=self._log_days,
            statements=[deploy_to(place)],
        ).project
