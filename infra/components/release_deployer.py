"""The role that a release passes to CloudFormation: it reaches the Serving stacks' resources only."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.components.policies import ISOLATED, allow, pass_role, service
from pipelines.interface.names import SCALING, Environment


class ReleaseDeployer(Construct):
    """The ``role``; no person can assume it, and only ``update_serving`` may pass it."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        endpoints = environment.arn("sagemaker", f"endpoint/{environment.id}-*")
        # CloudFormation names models and configs: a fixed name would block their replacement.
        generated = [environment.arn("sagemaker", f"{kind}/*") for kind in ("model", "endpoint-config")]
        # The package is a resource of CreateModel as well.
        package = environment.arn("sagemaker", f"model-package/{environment.id}-*")
        sagemaker_only = {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}}
        self.role = iam.Role(
            self,
            "Role",
            role_name=environment.release_deployer_role,
            description=f"Updates the Serving stacks of {environment.id} in a release",
            assumed_by=service("cloudformation", environment.account),
            inline_policies={
                "serving": iam.PolicyDocument(
                    statements=[
                        allow(["sagemaker:CreateModel"], *generated, package, conditions=ISOLATED),
                        allow(
                            [
                                "sagemaker:DescribeModel",
                                "sagemaker:DeleteModel",
                                "sagemaker:CreateEndpointConfig",
                                "sagemaker:DescribeEndpointConfig",
                                "sagemaker:DeleteEndpointConfig",
                                "sagemaker:CreateEndpoint",
                                "sagemaker:DescribeEndpoint",
                                "sagemaker:UpdateEndpoint",
                                "sagemaker:DeleteEndpoint",
                                "sagemaker:AddTags",
                                "sagemaker:DeleteTags",
                                "sagemaker:ListTags",
                            ],
                            endpoints,
                            *generated,
                        ),
                        allow(["sagemaker:DescribeModelPackage"], package),
                        # The caller that registers an endpoint for scaling must be allowed to scale it.
                        allow(["sagemaker:UpdateEndpointWeightsAndCapacities"], endpoints),
                        allow(
                            [
                                "application-autoscaling:RegisterScalableTarget",
                                "application-autoscaling:DeregisterScalableTarget",
                                "application-autoscaling:PutScalingPolicy",
                                "application-autoscaling:DeleteScalingPolicy",
                            ],
                            environment.arn("application-autoscaling", "scalable-target/*"),
                            conditions=sagemaker_only,
                        ),
                        # The tags' actions have no key for the service's namespace, so the condition would deny them.
                        # CloudFormation's handler may call the scheduled actions' although no template has any.
                        allow(
                            [
                                "application-autoscaling:PutScheduledAction",
                                "application-autoscaling:DeleteScheduledAction",
                                "application-autoscaling:TagResource",
                                "application-autoscaling:UntagResource",
                                "application-autoscaling:ListTagsForResource",
                            ],
                            environment.arn("application-autoscaling", "scalable-target/*"),
                        ),
                        allow(
                            [
                                "application-autoscaling:DescribeScalableTargets",
                                "application-autoscaling:DescribeScalingPolicies",
                                "application-autoscaling:DescribeScheduledActions",
                                "cloudwatch:DescribeAlarms",
                                "cloudwatch:GetMetricData",
                            ],
                            "*",
                        ),
                        allow(
                            [
                                "cloudwatch:PutMetricAlarm",
                                "cloudwatch:DeleteAlarms",
                                "cloudwatch:TagResource",
                                "cloudwatch:UntagResource",
                                "cloudwatch:ListTagsForResource",
                            ],
                            environment.arn("cloudwatch", f"alarm:{environment.id}-*"),
                            # Target tracking creates its own alarms with its caller's permissions.
                            environment.arn("cloudwatch", f"alarm:TargetTracking-endpoint/{environment.id}-*"),
                        ),
                        allow(
                            ["ssm:GetParameters"],
                            environment.arn("ssm", f"parameter/mooring/{environment.id}/*/release"),
                        ),
                        pass_role(environment.role_arn(environment.job_role("serving")), "sagemaker"),
                        allow(["kms:DescribeKey", "kms:CreateGrant"], key.key_arn),
                        allow(
                            ["iam:CreateServiceLinkedRole"],
                            environment.scaling_role_arn,
                            conditions={"StringEquals": {"iam:AWSServiceName": SCALING}},
                        ),
                    ]
                )
            },
        )
