"""The source action of the code pipeline: a repository, or an archive in the source bucket."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra.components.pipeline import SOURCE, Action, action
from infra.components.pipeline_grants import read_source
from infra.components.policies import allow
from infra.fleet.spec import ToolingSpec

CODE = "Code"
"""Name of the action's artifact."""
SOURCE_KEY = "source.zip"
"""Key in the source bucket of the checkout that starts the pipeline."""


def code_source(tooling: ToolingSpec, bucket: s3.IBucket | None) -> tuple[Action, list[iam.PolicyStatement]]:
    """Return the action and its permissions; there is a bucket if the fleet names no repository."""
    if spec := tooling.source:
        configuration = {
            "ConnectionArn": spec.connection,
            "FullRepositoryId": spec.repository,
            "BranchName": spec.branch,
            "OutputArtifactFormat": "CODE_ZIP",
            "DetectChanges": "true",
        }
        found = action(SOURCE, "Source", "CodeStarSourceConnection", configuration, gives=[CODE], namespace=SOURCE)
        return found, [allow([f"{spec.connection.split(':')[2]}:UseConnection"], spec.connection)]
    assert bucket, "without a repository there is a bucket"
    configuration = {"S3Bucket": bucket.bucket_name, "S3ObjectKey": SOURCE_KEY, "PollForSourceChanges": "false"}
    found = action(SOURCE, "Source", "S3", configuration, gives=[CODE], namespace=SOURCE)
    return found, read_source(bucket, SOURCE_KEY)
