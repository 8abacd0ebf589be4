"""Checks of the CDK bootstrap: its stack, version, qualifier, and the rights that it gives to deployments."""

from collections.abc import Iterator

from mooring.bootstrap import POLICY_NAME, TOOLKIT_STACK, deployment_policy
from mooring.preflight.findings import Finding, blocks, warns
from mooring.preflight.target import Target, found
from pipelines.interface.names import QUALIFIER


def bootstrap_stack(target: Target) -> Iterator[Finding]:
    """The account and region are bootstrapped, with our qualifier, and new enough for the templates."""
    stack = target.stacks.get(TOOLKIT_STACK)
    remedy = f"run: mooring bootstrap {target.names.id}"
    if stack is None:
        yield blocks(f"there is no stack {TOOLKIT_STACK}", why="cdk deploy needs its bucket and roles", remedy=remedy)
        return
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}
    if parameters.get("Qualifier") != QUALIFIER:
        yield blocks(
            f"the stack {TOOLKIT_STACK} has the qualifier {parameters.get('Qualifier')!r}, not {QUALIFIER!r}",
            why="cdk deploy looks for the roles of the qualifier",
            remedy=remedy,
        )
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
    version, needed = int(outputs.get("BootstrapVersion", "0")), target.assembly.bootstrap_version
    if version < needed:
        yield blocks(
            f"the bootstrap has version {version}, the templates need {needed}",
            why="cdk deploy refuses an older one",
            remedy=remedy,
        )


def bootstrap_rights(target: Target) -> Iterator[Finding]:
    """Deployments have exactly the rights of our deployment policy."""
    names = target.names
    if TOOLKIT_STACK not in target.stacks:
        return
    role = f"cdk-{QUALIFIER}-cfn-exec-role-{names.account}-{names.region}"
    ours = f"arn:aws:iam::{names.account}:policy/{POLICY_NAME}"
    remedy = f"run: mooring bootstrap {names.id}"
    attached = {
        policy["PolicyArn"]
        for policy in target.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role)
    }
    for policy in sorted(attached - {ours}):
        yield blocks(
            f"somebody attached {policy} to {role}", why="deployments may do more than they need", remedy=remedy
        )
    if ours not in attached:
        yield blocks(f"{POLICY_NAME} is not attached to {role}", why="deployments are denied", remedy=remedy)
    iam = target.client("iam")
    policy = found(iam.get_policy, PolicyArn=ours)
    if policy is None:
        return
    version = policy["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=ours, VersionId=version)["PolicyVersion"]["Document"]
    if document != deployment_policy(names.account):
        yield warns(
            f"{POLICY_NAME} differs from the one of this release of Mooring",
            why="a deployment may be denied, or may do more than it needs",
            remedy=remedy,
        )
