"""Names and codes of SageMaker's quotas for instances in AWS's Service Quotas, and the command that raises one.

Every use of every instance type has a quota of its own; new accounts have 0 for most of them.
"""

import re

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
NO_QUOTA = "NoQuotaError"
"""Error with which the state machine ends a job that SageMaker refuses because the quota is 0."""


def quota_name(instance_type: str, use: str) -> str:
    """Return the name of an instance type's quota for ``training``, ``processing`` or ``serving``."""
    return f"{instance_type} for {USES[use]}"


def named_in(refusal: str) -> str | None:
    """Return the name of the quota in SageMaker's refusal, or None.

    Examples
    --------
    >>> named_in("The account-level service limit 'ml.m5.large for training job usage' is 0 Instances, with …")
    'ml.m5.large for training job usage'
    """
    found = re.search(r"limit '([^']+)' is ", refusal)
    return found.group(1) if found else None


def how_to_raise(name: str) -> str:
    """Return the command that asks AWS for a larger quota; without a known code, also the one that finds the code.

    Examples
    --------
    >>> how_to_raise("ml.m5.large for training job usage").partition(" --")[2]
    'service-code sagemaker --quota-code L-611FA074 --desired-value 2'
    """
    code = CODES.get(name, "CODE")
    ask = (
        f"aws service-quotas request-service-quota-increase --service-code {SERVICE_CODE} "
        f"--quota-code {code} --desired-value 2"
    )
    if name in CODES:
        return ask
    return (
        f"{ask}, with the CODE that this prints: aws service-quotas list-service-quotas --service-code {SERVICE_CODE} "
        f"--query \"Quotas[?QuotaName=='{name}'].QuotaCode\" --output text"
    )
