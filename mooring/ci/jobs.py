"""Makes the jobs of a fleet: check and try each change, then deploy the branch stage by stage."""

from collections.abc import Iterator

from infra.fleet import Fleet, FleetEnvironment
from infra.fleet.ci import trusts
from infra.fleet.spec import CiSpec, StageSpec
from mooring.ci.model import FOLDER, Job, Pipeline, Role, Step
from mooring.embedded.process import DEFAULT_PORT

TARGET = f"{FOLDER}/target"
"""Work tree of the branch that a change will be merged into."""
ACTIVATE = "source .venv/bin/activate"
UP = f'mooring up --port "${{MOORING_CI_PORT:-{DEFAULT_PORT}}}"'
CHANGES = 2
"""Exit code of ``mooring plan`` if there are changes."""


def pipeline_of(fleet: Fleet, ci: CiSpec) -> Pipeline:
    """Return the jobs of the fleet, those first that others need."""
    deployments = list(_deployments(fleet))
    return Pipeline(ci=ci, jobs=(_check(), _change(fleet, ci), *deployments))


def _check() -> Job:
    check = Step(name="Check", run='make "${MOORING_CI_CHECK:-check}"')
    return Job(name="check", title="Check", on_change=True, on_branch=True, steps=(check,), timeout_minutes=120)


def _change(fleet: Fleet, ci: CiSpec) -> Job:
    """Return the job that plans a change and tries it on the runner's own embedded AWS.

    With a role for plans, the plan compares with the accounts. Without one it compares with the branch, which is
    deployed to the embedded AWS first.
    """
    first = fleet.stages[0].name
    tried = [each for each in fleet.environments() if each.names.stage == first]
    in_account = "plan" in trusts(ci, fleet.stages[0])
    planned = [_plan(each) for each in fleet.environments()] if in_account else []
    steps = (
        _set_up(),
        Step(
            name="Check out the target branch",
            run="\n".join(
                (
                    f"git fetch --quiet --no-tags origin '+refs/heads/{ci.branch}:refs/remotes/origin/{ci.branch}'"
                    f" || git rev-parse --verify 'origin/{ci.branch}'",
                    f"git worktree add --force --detach {TARGET} 'origin/{ci.branch}'",
                    f'ln -s "$PWD/.venv" "$PWD/node_modules" "$PWD/build" {TARGET}/',
                )
            ),
        ),
        *planned,
        Step(
            name="Start the embedded AWS", run=f'{ACTIVATE}\nmooring up --port "${{MOORING_CI_PORT:-{DEFAULT_PORT}}}"'
        ),
        *(_try(each, plans=not in_account) for each in tried),
        Step(
            name="Comment",
            run=f"{ACTIVATE}\nmooring ci comment {FOLDER}\ncat {FOLDER}/comment.md",
            posts=True,
        ),
        Step(name="Stop the embedded AWS", run=f"{ACTIVATE}\nmooring down", always=True),
    )
    return Job(name="change", title="Plan and try the change", on_change=True, on_branch=False, steps=steps)


def _set_up() -> Step:
    return Step(name="Set up", run=f"make setup layer\nrm -rf {FOLDER}\nmkdir -p {FOLDER}")


def _plan(environment: FleetEnvironment) -> Step:
    names = environment.names
    run = f"{ACTIVATE}\n{_plan_command(names.id)}"
    return Step(name=f"Plan {names.id}", run=run, role=_role(environment, "plan"))


def _plan_command(name: str) -> str:
    return f"mooring plan {name} --json > {FOLDER}/plan-{name}.json || [ $? -eq {CHANGES} ]"


def _try(environment: FleetEnvironment, *, plans: bool) -> Step:
    name = environment.names.id
    lines = [ACTIVATE, f'eval "$(mooring env {name})"', f"mooring bootstrap {name}"]
    if plans:
        lines += [f"(cd {TARGET} && python -m mooring deploy {name})", _plan_command(name)]
    lines += [f"mooring deploy {name}", f"mooring ci try {name} --target {TARGET} --output {FOLDER}"]
    return Step(name=f"Try {name} on the embedded AWS", run="\n".join(lines))


def _deployments(fleet: Fleet) -> Iterator[Job]:
    """Yield a job for each stage that has environments; each needs the one before."""
    before = "check"
    for stage in fleet.stages:
        environments = [each for each in fleet.environments() if each.names.stage == stage.name]
        if environments:
            yield _deploy(stage, environments, before)
            before = f"deploy-{stage.name}"


def _deploy(stage: StageSpec, environments: list[FleetEnvironment], before: str) -> Job:
    steps = [
        Step(
            name=f"Deploy {each.names.id}",
            run=f"{ACTIVATE}\nmooring deploy {each.names.id}",
            role=_role(each, "deploy"),
        )
        for each in environments
    ]
    return Job(
        name=f"deploy-{stage.name}",
        title=f"Deploy {stage.name}",
        on_change=False,
        on_branch=True,
        steps=(_set_up(), *steps),
        needs=(before,),
        stage=stage.name,
        approved=stage.promotion.approval == "manual",
        timeout_minutes=180,
    )


def _role(environment: FleetEnvironment, task: str) -> Role:
    names = environment.names
    return Role(arn=names.role_arn(names.ci_role(task)), region=names.region)
