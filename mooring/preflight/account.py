"""Checks of the account: credentials, region, clock, Lambda's concurrency, CloudTrail, cost allocation tags."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mooring.failures import TAKE_CREDENTIALS
from mooring.preflight.findings import Finding, blocks, warns
from mooring.preflight.target import Target
from pipelines.interface.names import ENVIRONMENT_TAG

SKEW_REFUSED_S = 300
"""Signature Version 4 admits five minutes between the clocks of the caller and of AWS."""
SKEW_WORTH_A_WARNING_S = 60
LEAST_CONCURRENCY = 50
"""Concurrent functions that a drift check's fan-out, landings and a release's tasks take together."""


def credentials(target: Target) -> Iterator[Finding]:
    """The caller's credentials are valid, and of the environment's account."""
    account = target.client("sts").get_caller_identity()["Account"]
    if account != target.names.account:
        yield blocks(
            f"the credentials are of account {account}, {target.names.id} is in account {target.names.account}",
            why="every call would reach another account",
            remedy=TAKE_CREDENTIALS,
        )


def region(target: Target) -> Iterator[Finding]:
    """The region is enabled in the account."""
    status = target.client("account").get_region_opt_status(RegionName=target.names.region)["RegionOptStatus"]
    if status not in ("ENABLED", "ENABLED_BY_DEFAULT"):
        yield blocks(
            f"region {target.names.region} is {status} in account {target.names.account}",
            why="nothing can be deployed into a region that is not enabled",
            remedy=f"aws account enable-region --region-name {target.names.region}; it takes minutes to hours",
        )


def clock(target: Target) -> Iterator[Finding]:
    """The clock of this machine agrees with AWS's."""
    headers = target.client("sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
    skew_s = abs((datetime.now(UTC) - parsedate_to_datetime(headers["date"])).total_seconds())
    if skew_s >= SKEW_WORTH_A_WARNING_S:
        report = blocks if skew_s >= SKEW_REFUSED_S else warns
        yield report(
            f"the clock of this machine differs from AWS's by {skew_s:.0f} s",
            why=f"AWS refuses requests whose time differs by {SKEW_REFUSED_S} s or more",
            remedy="set the clock by NTP (timedatectl set-ntp true)",
        )


def concurrency(target: Target) -> Iterator[Finding]:
    """Lambda may run enough functions at once; new accounts have 10."""
    limit = int(target.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    if limit < LEAST_CONCURRENCY:
        yield warns(
            f"Lambda runs at most {limit} functions at once in this account and region",
            why=f"checks, landings and flows take up to {LEAST_CONCURRENCY} together, and wait if throttled",
            remedy="aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
            "--desired-value 1000",
        )


def audit_trail(target: Target) -> Iterator[Finding]:
    """A trail of CloudTrail records who did what."""
    client = target.client("cloudtrail")
    trails = client.describe_trails()["trailList"]
    if not any(client.get_trail_status(Name=trail["TrailARN"])["IsLogging"] for trail in trails):
        yield warns(
            f"no trail of CloudTrail logs in {target.names.region}",
            why="nobody can tell later who assumed a role or changed a resource by hand",
            remedy="create a trail: aws cloudtrail create-trail --name audit --s3-bucket-name BUCKET "
            "--is-multi-region-trail, then aws cloudtrail start-logging --name audit",
        )


def cost_tag(target: Target) -> Iterator[Finding]:
    """The environment's tag is active for cost allocation."""
    tags = {
        tag["TagKey"]: tag["Status"] for tag in target.pages("ce", "list_cost_allocation_tags", "CostAllocationTags")
    }
    if tags.get(ENVIRONMENT_TAG) != "Active":
        yield warns(
            f"the tag {ENVIRONMENT_TAG} is {tags.get(ENVIRONMENT_TAG, 'unknown to the bill')}, not Active",
            why="costs and budgets cannot be told apart by environment",
            remedy="a day after the first deployment, as the payer: aws ce update-cost-allocation-tags-status "
            f"--cost-allocation-tags-status TagKey={ENVIRONMENT_TAG},Status=Active",
        )
