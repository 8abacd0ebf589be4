"""What AWS offers an account: regions, instance types, its image, quotas of other services, tags on the bill."""

import json
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from infra import images
from tests.support.embedded_aws import REGION, EmbeddedAws

OTHER_ACCOUNT = "555555555555"


def test_region_is_disabled_and_enabled(embedded_aws: EmbeddedAws) -> None:
    client = embedded_aws.client("account")
    client.disable_region(RegionName="af-south-1")
    assert client.get_region_opt_status(RegionName="af-south-1")["RegionOptStatus"] == "DISABLED"
    other = embedded_aws.client("account", OTHER_ACCOUNT).get_region_opt_status(RegionName="af-south-1")
    assert other["RegionOptStatus"] == "ENABLED"
    client.enable_region(RegionName="af-south-1")
    assert client.get_region_opt_status(RegionName="af-south-1")["RegionOptStatus"] == "ENABLED"
    with pytest.raises(ClientError, match="us-east-1 is enabled by default"):
        client.disable_region(RegionName="us-east-1")


def test_registry_of_aws_has_the_image_in_one_version(embedded_aws: EmbeddedAws) -> None:
    tag = images.scikit_learn(REGION).rpartition(":")[2]
    request = {"repositoryName": images.REPOSITORY, "imageIds": [{"imageTag": tag}, {"imageTag": "0.1"}]}
    answer = embedded_aws.client("ecr").batch_get_image(registryId=images.REGISTRIES[REGION], **request)
    assert [image["imageId"]["imageTag"] for image in answer["images"]] == [tag]
    assert [failure["failureCode"] for failure in answer["failures"]] == ["ImageNotFound"]
    with pytest.raises(ClientError, match="RepositoryNotFound"):
        embedded_aws.client("ecr").batch_get_image(registryId=OTHER_ACCOUNT, **request)


def test_instance_types_are_those_of_ec2(embedded_aws: EmbeddedAws) -> None:
    client = embedded_aws.client("ec2")
    filters = [{"Name": "instance-type", "Values": ["m5.large", "m5.tiny"]}]
    found = client.describe_instance_type_offerings(LocationType="region", Filters=filters)["InstanceTypeOfferings"]
    assert [(offer["InstanceType"], offer["Location"]) for offer in found] == [("m5.large", REGION)]
    with pytest.raises(ClientError, match="supports LocationType region"):
        client.describe_instance_type_offerings(LocationType="availability-zone")


def test_quotas_of_other_services_have_defaults(embedded_aws: EmbeddedAws) -> None:
    client = embedded_aws.client("service-quotas", OTHER_ACCOUNT)
    asked = {"ServiceCode": "cloudformation", "QuotaCode": "L-0485CB21"}
    assert client.get_service_quota(**asked)["Quota"]["Value"] == 2000
    client.request_service_quota_increase(**asked, DesiredValue=3000)
    (applied,) = client.list_service_quotas(ServiceCode="cloudformation")["Quotas"]
    (default,) = client.list_aws_default_service_quotas(ServiceCode="cloudformation")["Quotas"]
    assert (applied["Value"], default["Value"], applied["QuotaName"]) == (3000, 2000, "Stack count")
    with pytest.raises(ClientError, match="has no quotas of ec2"):
        client.list_service_quotas(ServiceCode="ec2")


def test_tags_of_stacks_are_activated_for_the_bill(embedded_aws: EmbeddedAws) -> None:
    key, client = f"k{uuid4().hex[:6]}", embedded_aws.client("ce", OTHER_ACCOUNT)

    def status() -> list[str]:
        return [tag["Status"] for tag in client.list_cost_allocation_tags(TagKeys=[key])["CostAllocationTags"]]

    def switch(to: str) -> list[str]:
        asked = [{"TagKey": key, "Status": to}]
        errors = client.update_cost_allocation_tags_status(CostAllocationTagsStatus=asked)["Errors"]
        return [error["Code"] for error in errors]

    assert (status(), switch("Active")) == ([], ["TagKeyNotFound"])
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}
    embedded_aws.client("cloudformation", OTHER_ACCOUNT).create_stack(
        StackName=key, TemplateBody=json.dumps(template), Tags=[{"Key": key, "Value": "v"}]
    )
    assert status() == ["Inactive"]
    assert (switch("Active"), status()) == ([], ["Active"])
    assert (switch("Inactive"), status()) == ([], ["Inactive"])
    with pytest.raises(ClientError, match="does not support GetCostAndUsage"):
        client.get_cost_and_usage(
            TimePeriod={"Start": "2026-01-01", "End": "2026-01-02"}, Granularity="DAILY", Metrics=["UnblendedCost"]
        )


def test_service_linked_role_of_scaling_has_the_name_of_aws(embedded_aws: EmbeddedAws) -> None:
    iam, service = embedded_aws.client("iam", OTHER_ACCOUNT), "sagemaker.application-autoscaling.amazonaws.com"
    name = iam.create_service_linked_role(AWSServiceName=service)["Role"]["RoleName"]
    assert name == "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    assert iam.get_role(RoleName=name)["Role"]["Arn"].endswith(f"role/aws-service-role/{service}/{name}")
    with pytest.raises(ClientError, match="has been taken"):
        iam.create_service_linked_role(AWSServiceName=service)
