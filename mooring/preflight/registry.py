"""All checks, by topic. To add one, write a function that yields findings, and a row here."""

from mooring.preflight import (
    account,
    bootstrap,
    data,
    machines,
    offers,
    permissions,
    quotas,
    stacks,
    tools,
)
from mooring.preflight.run import Check

FIRST = (Check(name="credentials", question="Are the credentials valid, and the account's?", run=account.credentials),)
"""Checks without which no other can be told."""

CHECKS = (
    Check(name="region", question="Is the region enabled?", run=account.region),
    Check(name="clock", question="Is this machine's clock right?", run=account.clock),
    Check(name="cdk", question="Is the right CDK CLI installed?", run=tools.cdk_cli),
    Check(name="templates", question="Do the templates fit CloudFormation?", run=tools.templates),
    Check(name="parameter-sizes", question="Does every parameter fit 4 KB?", run=tools.parameter_sizes),
    Check(name="endpoint-quota", question="May the endpoints have their instances?", run=quotas.endpoint_instances),
    Check(name="training-quota", question="May training jobs have theirs?", run=quotas.training_instances),
    Check(name="processing-quota", question="May processing jobs have theirs?", run=quotas.processing_instances),
    Check(name="stack-quota", question="Is there room for the stacks?", run=quotas.resource_limit("stacks")),
    Check(name="role-quota", question="Is there room for the roles?", run=quotas.resource_limit("roles")),
    Check(name="rule-quota", question="Is there room for the rules?", run=quotas.resource_limit("rules")),
    Check(
        name="parameter-quota", question="Is there room for the parameters?", run=quotas.resource_limit("parameters")
    ),
    Check(
        name="scaling-quota",
        question="Is there room for the scaling targets?",
        run=quotas.resource_limit("scaling targets"),
    ),
    Check(name="concurrency", question="May Lambda run enough functions?", run=account.concurrency),
    Check(name="throughput", question="Does Parameter Store answer fast enough?", run=data.parameter_throughput),
    Check(name="instance-types", question="Does the region offer the instance types?", run=offers.instance_types),
    Check(name="image", question="Does the region have the image?", run=offers.image),
    Check(name="bootstrap", question="Is the bootstrap as mooring bootstrap makes it?", run=bootstrap.bootstrap_state),
    Check(name="bootstrap-version", question="Is the bootstrap new enough?", run=bootstrap.bootstrap_version),
    Check(name="stacks", question="Can every stack be updated?", run=stacks.stack_states),
    Check(name="foreign-stacks", question="Is every stack the fleet's?", run=stacks.foreign_stacks),
    Check(name="leftovers", question="Are the names free that stacks will give?", run=stacks.leftovers),
    Check(name="roles", question="May every role do what its template says?", run=permissions.roles),
    Check(name="scaling-role", question="Can endpoints be scaled?", run=permissions.scaling_role),
    Check(name="state-machines", question="Does Step Functions accept the flows?", run=machines.state_machines),
    Check(name="functions", question="Are the functions active?", run=data.functions),
    Check(name="key", question="Is the key enabled, and for the publishers?", run=data.key),
    Check(name="parameters", question="Are settings and release states readable?", run=data.parameters),
    Check(name="alerts", question="Do alerts reach the owners?", run=data.alerts),
    Check(name="budget", question="Is the budget the fleet's?", run=data.budget),
    Check(name="cost-tag", question="Can costs be told by environment?", run=account.cost_tag),
    Check(name="audit-trail", question="Does CloudTrail record?", run=account.audit_trail),
)
