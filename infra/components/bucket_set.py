"""The environment's four buckets: data, artifacts, capture, and audit, which has the others' access logs."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from pipelines.interface.names import Environment
from pipelines.interface.paths import commit_key, object_key

COLD_AFTER_DAYS = 90


class BucketSet(Construct):
    """The buckets ``data``, ``artifacts``, ``capture`` and ``audit``: versioned, encrypted and retained."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        # S3 delivers access logs only to buckets without KMS encryption.
        self.audit = self._bucket("audit", cold=True, encryption=s3.BucketEncryption.S3_MANAGED)
        self.data = self._bucket("data", cold=False, key=key)
        self.artifacts = self._bucket("artifacts", cold=False, key=key)
        self.capture = self._bucket("capture", cold=True, key=key)
        self._send_events(self.data)
        self._write_once(self.data, object_key("*", "*"), commit_key("*", "*"))

    def _bucket(
        self,
        kind: str,
        *,
        cold: bool,
        key: kms.IKey | None = None,
        encryption: s3.BucketEncryption = s3.BucketEncryption.KMS,
    ) -> s3.Bucket:
        after = Duration.days(COLD_AFTER_DAYS)
        archive = s3.StorageClass.GLACIER_INSTANT_RETRIEVAL
        rule = s3.LifecycleRule(
            abort_incomplete_multipart_upload_after=Duration.days(7),
            noncurrent_version_transitions=[
                s3.NoncurrentVersionTransition(storage_class=archive, transition_after=after)
            ],
            transitions=[s3.Transition(storage_class=archive, transition_after=after)] if cold else None,
        )
        is_audit = kind == "audit"
        return s3.Bucket(
            self,
            kind.capitalize(),
            bucket_name=self._environment.bucket(kind),
            encryption=encryption,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            versioned=True,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[rule],
            server_access_logs_bucket=None if is_audit else self.audit,
            server_access_logs_prefix=None if is_audit else f"access/{kind}/",
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )

    def _send_events(self, bucket: s3.Bucket) -> None:
        """Send the bucket's events to EventBridge, without the custom resource of ``event_bridge_enabled``."""
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

    def _write_once(self, bucket: s3.Bucket, *keys: str) -> None:
        """Refuse to overwrite objects at ``keys``: a write needs ``If-None-Match``: S3 creates or refuses.

        The conditions are those of AWS's user guide, "Enforce conditional writes". The parts of an upload cannot carry
        the header and create no object; the request that completes the upload must carry it.
        """
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(key) for key in keys],
                conditions={"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
            )
        )
