"""Two CDK bootstraps in one account: that of other applications keeps its stack and its rights."""

import json
from typing import Any

import boto3
import pytest

from mooring import bootstrap, cdk, permissions
from mooring.errors import MooringError
from tests.local.loop.conftest import Deployment


def test_bootstrap_leaves_the_one_of_other_applications_alone(deployment: Deployment, admin: Any) -> None:
    names, variables = deployment.deployed.environment, deployment.variables
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:*", "Resource": "*"}]}
    )
    policy = admin("iam").create_policy(PolicyName="other-deployer", PolicyDocument=document)["Policy"]["Arn"]
    theirs = ["bootstrap", f"aws://{names.account}/{names.region}", "--app", ""]
    theirs += ["--cloudformation-execution-policies", policy]
    cdk.run(theirs, variables=variables, log=deployment.logs / "their-bootstrap.log")
    before = stacks(admin)
    rights = policies(admin, f"cdk-hnb659fds-cfn-exec-role-{names.account}-{names.region}")
    bootstrap.bootstrap(names, variables=variables, log=deployment.logs / "bootstrap-again.log")
    assert stacks(admin)["CDKToolkit"] == before["CDKToolkit"]
    assert policies(admin, f"cdk-hnb659fds-cfn-exec-role-{names.account}-{names.region}") == rights
    assert rights == [policy]
    ours = policies(admin, f"cdk-mooring-cfn-exec-role-{names.account}-{names.region}")
    assert ours == [f"arn:aws:iam::{names.account}:policy/{name}" for name in (permissions.COMMON, names.deployer)]


def test_change_that_bootstrap_does_not_undo_is_named(deployment: Deployment, admin: Any) -> None:
    names, variables = deployment.deployed.environment, deployment.variables
    session = boto3.Session(region_name=names.region)
    assert bootstrap.differences(bootstrap.neighbours(names), session=session) == []
    change = {
        "RoleName": f"cdk-mooring-cfn-exec-role-{names.account}-{names.region}",
        "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
    }
    admin("iam").attach_role_policy(**change)
    try:
        with pytest.raises(MooringError, match="has the foreign policies arn:aws:iam::aws:policy/AdministratorAccess"):
            bootstrap.bootstrap(names, variables=variables, log=deployment.logs / "bootstrap-changed.log")
    finally:
        admin("iam").detach_role_policy(**change)


def stacks(admin: Any) -> dict[str, Any]:
    """Return the account's toolkit stacks by name: when they were created and updated."""
    found = admin("cloudformation").describe_stacks()["Stacks"]
    return {
        stack["StackName"]: (stack["StackId"], stack["CreationTime"], stack.get("LastUpdatedTime"))
        for stack in found
        if stack["StackName"].endswith("Toolkit")
    }


def policies(admin: Any, role: str) -> list[str]:
    attached = admin("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return [policy["PolicyArn"] for policy in attached]
