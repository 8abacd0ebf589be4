"""Names and codes of SageMaker's quotas for instances in AWS's Service Quotas, and the command that raises one.

Every use of every instance type has a quota of its own; new accounts have 0 for most of them.
"""

import re
from dataclasses import dataclass

SERVICE_CODE = "sagemaker"
USES = {"training": "training job usage", "processing": "processing job usage", "serving": "endpoint usage"}
"""Use of an instance -> its words in a quota's name."""
CODES = {
    "ml.m5.large for training job usage": "L-611FA074",
    "ml.m5.xlarge for training job usage": "L-CCE2AFA6",
    "ml.t3.medium for processing job usage": "L-0CE343FE",
    "ml.m5.large for processing job usage": "L-8541302D",
    "ml.m5.xlarge for processing job usage": "L-0307F515",
    "ml.m5.large for endpoint usage": "L-614B09FD",
    "ml.m5.xlarge for endpoint usage": "L-2F737F8D",
}
"""Codes of the quotas that fleets need most; they are the same in all accounts and regions."""
REFUSAL = re.compile(
    r"limit '([^']+)' is \d+ Instances, with current utilization of (\d+) Instances and a request delta of (\d+)"
)
NO_QUOTA = "NoQuotaError"
"""Error with which the state machine ends a job that SageMaker refuses because the quota is 0."""


def quota_name(instance_type: str, use: str) -> str:
    """Return the name of an instance type's quota for ``training``, ``processing`` or ``serving``."""
    return f"{instance_type} for {USES[use]}"


@dataclass(frozen=True, kw_only=True)
class QuotaRefusal:
    """SageMaker's refusal of instances beyond a quota; ``needed`` is the value with which it would admit them."""

    name: str
    needed: int


def refusal_in(text: str) -> QuotaRefusal | None:
    """Return the refusal that a text quotes, or None.

    Examples
    --------
    >>> refusal_in(
    ...     "The account-level service limit 'ml.m5.large for endpoint usage' is 1 Instances, with current utilization "
    ...     "of 1 Instances and a request delta of 1 Instances. Please use AWS Service Quotas …"
    ... )
    QuotaRefusal(name='ml.m5.large for endpoint usage', needed=2)
    """
    found = REFUSAL.search(text)
    return QuotaRefusal(name=found[1], needed=int(found[2]) + int(found[3])) if found else None


def request_increase(service: str, code: str, value: int, *, region: str = "") -> str:
    """Return the command that asks AWS for a larger quota; without a region in the region of the caller.

    Examples
    --------
    >>> request_increase("iam", "L-FE177D64", 1200).partition(" --")[2]
    'service-code iam --quota-code L-FE177D64 --desired-value 1200'
    """
    command = "aws service-quotas request-service-quota-increase"
    place = f" --region {region}" if region else ""
    return f"{command} --service-code {service} --quota-code {code} --desired-value {value}{place}"


def how_to_raise(name: str, needed: int) -> str:
    """Return the command that asks AWS for a larger quota; without a known code, also the one that finds the code.

    Examples
    --------
    >>> how_to_raise("ml.m5.large for training job usage", 2).partition(" --")[2]
    'service-code sagemaker --quota-code L-611FA074 --desired-value 2'
    """
    ask = request_increase(SERVICE_CODE, CODES.get(name, "CODE"), needed)
    if name in CODES:
        return ask
    return (
        f"{ask}, with the CODE that this prints: aws service-quotas list-service-quotas --service-code {SERVICE_CODE} "
        f"--query \"Quotas[?QuotaName=='{name}'].QuotaCode\" --output text"
    )
