"""The stack of an environment's functions, its flows for all models, and the rules that start them."""

from pathlib import Path

from aws_cdk import Stack
from constructs import Construct

from infra.components.boundary import apply_boundary
from infra.components.checks_flow import checks_flow
from infra.components.forwarding import Forwarding
from infra.components.functions import Functions
from infra.components.job_logs import JobLogs
from infra.components.job_roles import JobRoles
from infra.components.landing import Landing
from infra.components.operations_watch import OperationsWatch
from infra.components.promoter import Promoter
from infra.components.promotion_flow import nested_statements, promotion_flow
from infra.components.release_deployer import ReleaseDeployer
from infra.components.release_flow import release_flow
from infra.components.retraining_flow import retraining_flow
from infra.components.scheduler_role import SchedulerRole
from infra.components.state_machine import StateMachine, job_statements, map_statements
from infra.components.triggers import Triggers
from infra.fleet import FleetEnvironment
from infra.stacks.properties import stack_properties
from infra.stacks.shared import dead_letters, environment_key


class OperationsStack(Stack):
    """Functions, state machines, rules, job roles and the dashboard of an environment; it has no state."""

    def __init__(self, scope: Construct, *, environment: FleetEnvironment, root: Path) -> None:
        names = environment.names
        super().__init__(
            scope,
            names.stack("operations"),
            **stack_properties(environment, "Functions, flows, rules and roles of jobs", stateful=False),
        )
        key, queue = environment_key(self, names), dead_letters(self, names)
        log_days, promotion = environment.retention.logs, environment.promotion()
        functions = Functions(
            self,
            "Functions",
            environment=names,
            root=root,
            key=key,
            dead_letters=queue,
            log_days=log_days,
            promotion=promotion,
        ).by_name
        retraining = StateMachine(
            self,
            "Retraining",
            environment=names,
            kind="retraining",
            definition=retraining_flow(names),
            key=key,
            log_days=log_days,
            statements=job_statements(names),
        ).machine
        release = StateMachine(
            self,
            "Release",
            environment=names,
            kind="release",
            definition=release_flow(names),
            key=key,
            log_days=log_days,
        ).machine
        checks = StateMachine(
            self,
            "Checks",
            environment=names,
            kind="checks",
            definition=checks_flow(names),
            key=key,
            log_days=log_days,
            statements=map_statements(names, "checks"),
        ).machine
        if promotion:
            imports = promotion.source is not None
            StateMachine(
                self,
                "Promotion",
                environment=names,
                kind="promotion",
                definition=promotion_flow(names, imports=imports),
                key=key,
                log_days=log_days,
                statements=nested_statements(names) if imports else (),
            )
            Promoter(self, "Promoter", environment=names, tooling=promotion.tooling, key=key)
        Triggers(
            self,
            "Triggers",
            environment=names,
            retraining=retraining,
            release=release,
            checks=checks,
            finish_run=functions["finish_run"],
            finish_release=functions["finish_release"],
            finish_check=functions["finish_check"],
            key=key,
            dead_letters=queue,
        )
        Forwarding(self, "Forwarding", environment=names, trainers=environment.trainers(), dead_letters=queue)
        Landing(self, "Landing", environment=names, function=functions["land_files"], key=key, dead_letters=queue)
        ReleaseDeployer(self, "ReleaseDeployer", environment=names, key=key)
        SchedulerRole(self, "Scheduler", environment=names, key=key)
        JobRoles(self, "JobRoles", environment=names, key=key)
        JobLogs(self, "JobLogs", function=functions["create_log_groups"], key=key, days=log_days)
        OperationsWatch(
            self,
            "Watch",
            environment=names,
            machines={"retraining": retraining, "release": release, "checks": checks},
            functions=functions,
        )
        apply_boundary(self, names)
