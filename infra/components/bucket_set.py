"""The environment's four buckets: data, artifacts, capture, and audit, which has the others' access logs."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.policies import is_role
from infra.components.signing_key import IMPORTER
from infra.fleet.spec import Retention
from pipelines.interface import landing
from pipelines.interface.names import Environment
from pipelines.interface.paths import CHECKS, SCRATCH, code_key, commit_key, object_key, packages_key

ACCESS = "access/"
"""Prefix in the audit bucket of the other buckets' access logs."""
COLD_AFTER_DAYS = 90
COLD_AT_LEAST_DAYS = 90
"""Days that Glacier Instant Retrieval bills at least for an object."""
ABOVE_128_KB = s3.TransitionDefaultMinimumObjectSize.ALL_STORAGE_CLASSES_128_K
"""Smaller objects change no class: Glacier Instant Retrieval bills 128 KB at least."""


class BucketSet(Construct):
    """The buckets ``data``, ``artifacts``, ``capture`` and ``audit``: versioned, encrypted and retained.

    Objects expire only below prefixes that hold no part of a commit, of a registered version or of a forgetting. An
    expired object is a noncurrent version for ``retention.versions`` days more. The functions that import releases in
    ``following`` environments read the files of runs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        key: kms.IKey,
        retention: Retention,
        following: Sequence[Environment] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment, self._versions = environment, Duration.days(retention.versions)
        # S3 delivers access logs only to buckets without KMS encryption.
        self.audit = self._bucket(
            "audit", [self._expire(ACCESS, retention.access_logs)], encryption=s3.BucketEncryption.S3_MANAGED
        )
        landed = [self._remove_versions(landing.PREFIX), self._expire(landing.QUARANTINE, retention.quarantine)]
        self.data = self._bucket("data", landed, key=key)
        left = [self._expire(SCRATCH, retention.runs), self._expire(CHECKS, retention.checks)]
        self.artifacts = self._bucket("artifacts", left, key=key)
        self.capture = self._bucket("capture", [self._expire(None, retention.traffic, cold=True)], key=key)
        self._send_events(self.data)
        self._write_once(self.data, object_key("*", "*"), commit_key("*", "*"))
        self._write_once(self.artifacts, code_key("*"), packages_key("*"))
        for other in following:
            self._lend(self.artifacts, other)

    def _expire(self, prefix: str | None, days: int, *, cold: bool = False) -> s3.LifecycleRule:
        """Delete objects below ``prefix`` after ``days``; ``cold`` moves them to a cheaper class before, if that pays.

        Once only its delete marker is left of an object, S3 removes that too.
        """
        transition = s3.Transition(
            storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=Duration.days(COLD_AFTER_DAYS)
        )
        pays = days >= COLD_AFTER_DAYS + COLD_AT_LEAST_DAYS
        return s3.LifecycleRule(
            prefix=prefix,
            expiration=Duration.days(days),
            noncurrent_version_expiration=self._versions,
            transitions=[transition] if cold and pays else None,
        )

    def _remove_versions(self, prefix: str) -> s3.LifecycleRule:
        """Delete what was deleted or overwritten below ``prefix``; its current objects stay."""
        return s3.LifecycleRule(
            prefix=prefix, noncurrent_version_expiration=self._versions, expired_object_delete_marker=True
        )

    def _bucket(
        self,
        kind: str,
        rules: list[s3.LifecycleRule],
        *,
        key: kms.IKey | None = None,
        encryption: s3.BucketEncryption = s3.BucketEncryption.KMS,
    ) -> s3.Bucket:
        unfinished = s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7))
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
            lifecycle_rules=[unfinished, *rules],
            transition_default_minimum_object_size=ABOVE_128_KB,
            server_access_logs_bucket=None if is_audit else self.audit,
            server_access_logs_prefix=None if is_audit else f"{ACCESS}{kind}/",
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )

    def _lend(self, bucket: s3.Bucket, other: Environment) -> None:
        """Let the function that imports releases in ``other`` read the files of runs."""
        reads = (
            (["s3:GetObject", "s3:GetObjectVersion"], bucket.arn_for_objects("runs/*")),
            (["s3:ListBucket"], bucket.bucket_arn),
        )
        for actions, resource in reads:
            bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    actions=actions,
                    principals=[iam.AccountPrincipal(other.account)],
                    resources=[resource],
                    conditions=is_role(other.role_arn(other.function(IMPORTER))),
                )
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
