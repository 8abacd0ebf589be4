"""The buckets of a tooling environment: release records, source code, and what the pipelines hand on."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.bucket_set import ABOVE_128_KB, ACCESS
from infra.components.policies import is_role
from infra.fleet.spec import Retention
from pipelines.interface.names import Environment
from pipelines.interface.paths import carried_record_key

PASSED_ON_DAYS = 30
"""Days for which an execution's artifacts are kept: as long as CodePipeline lets a failed action be retried."""
REQUESTER = "request_promotion"
"""The function of an environment that hands a release record over."""


class ToolingBuckets(Construct):
    """The buckets ``records``, ``source`` (None if the code comes from a repository), ``pipeline`` and ``audit``.

    ``requesters`` are the environments that hand over release records. Records are kept for ever.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        key: kms.Key,
        retention: Retention,
        requesters: Sequence[Environment],
        has_source: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment, self._versions = environment, Duration.days(retention.versions)
        # S3 delivers access logs only to buckets without KMS encryption.
        self.audit = self._bucket("audit", [_expire(retention.access_logs, self._versions, ACCESS)])
        self.records = self._bucket("records", [], key=key)
        self.source = self._bucket("source", [_remove_versions(self._versions)], key=key) if has_source else None
        self.pipeline = self._bucket("pipeline", [_expire(PASSED_ON_DAYS, Duration.days(1))], key=key)
        if self.source:
            _send_events(self.source)
        # A key policy's resource can only be the key itself.
        for requester in requesters:
            keys = self.records.arn_for_objects(carried_record_key("*"))
            self.records.add_to_resource_policy(_let(requester, "s3:PutObject", keys))
            key.add_to_resource_policy(_let(requester, "kms:GenerateDataKey", "*"))

    def _bucket(self, kind: str, rules: list[s3.LifecycleRule], *, key: kms.IKey | None = None) -> s3.Bucket:
        unfinished = s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7))
        return s3.Bucket(
            self,
            kind.capitalize(),
            bucket_name=self._environment.bucket(kind),
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            versioned=True,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[unfinished, *rules],
            transition_default_minimum_object_size=ABOVE_128_KB,
            server_access_logs_bucket=self.audit if key else None,
            server_access_logs_prefix=f"{ACCESS}{kind}/" if key else None,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )


def _let(requester: Environment, action: str, resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=[action],
        principals=[iam.AccountPrincipal(requester.account)],
        resources=[resource],
        conditions=is_role(requester.role_arn(requester.function(REQUESTER))),
    )


def _expire(days: int, versions: Duration, prefix: str | None = None) -> s3.LifecycleRule:
    return s3.LifecycleRule(prefix=prefix, expiration=Duration.days(days), noncurrent_version_expiration=versions)


def _remove_versions(after: Duration) -> s3.LifecycleRule:
    return s3.LifecycleRule(noncurrent_version_expiration=after, expired_object_delete_marker=True)


def _send_events(bucket: s3.Bucket) -> None:
    """Send the bucket's events to EventBridge, without the custom resource of ``event_bridge_enabled``."""
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
