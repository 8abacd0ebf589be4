"""Target tracking of endpoint variants: the two alarms of a policy, and the count of instances that follows them.

A variant is one process whatever its count is. The count is what DescribeEndpoint returns, and what the requests per
instance are divided by.
"""

import math
import time
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from mooring.embedded.repairs import alarms
from mooring.embedded.sagemaker import endpoints

PREDEFINED = "SageMakerVariantInvocationsPerInstance"
PERIOD_S = 60
COOLDOWN_S = 300
LOW_SHARE = 0.9
"""Share of the target below which instances are removed."""
_ALARMS = {"AlarmHigh": ("GreaterThanThreshold", 3), "AlarmLow": ("LessThanThreshold", 15)}
"""Comparison, and minutes in a row, of a policy's alarms."""

_changed: dict[str, float] = {}
"""Time of the last change of a count by a policy, by the policy's ARN."""


def create_alarms(policy: dict[str, Any]) -> list[dict[str, str]]:
    """Create the alarms of a policy, or change them, and return their names and ARNs.

    Raises
    ------
    ValueError
        The policy tracks another predefined metric.
    """
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    target = float(config["TargetValue"])
    found = []
    for kind, (comparison, minutes) in _ALARMS.items():
        name = f"TargetTracking-{policy['ResourceId']}-{kind}-{policy['PolicyARN'].split(':')[6]}"
        properties = {
            **_metric(policy["ResourceId"], config),
            "Period": PERIOD_S,
            "EvaluationPeriods": minutes,
            "ComparisonOperator": comparison,
            "Threshold": target if kind == "AlarmHigh" else target * LOW_SHARE,
            "AlarmActions": [policy["PolicyARN"]],
        }
        provisioners._cw_metric_alarm_put(name, properties)
        arn = f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"
        found.append({"AlarmName": name, "AlarmARN": arn})
    return found


def delete_alarms(policy: dict[str, Any]) -> None:
    """Delete the alarms of a policy."""
    for alarm in policy["Alarms"]:
        cloudwatch.cloudformation_delete_metric_alarm(alarm["AlarmName"])


def follow(target: dict[str, Any], policy: dict[str, Any]) -> None:
    """Change the variant's count if an alarm of the policy asks for it and the last change is long enough ago."""
    _, endpoint, _, variant = policy["ResourceId"].split("/")
    count = endpoints.instances(endpoint, variant)
    if count is None:
        return
    wanted = _wanted(policy, count)
    bounded = min(max(wanted, target["MinCapacity"]), target["MaxCapacity"])
    if bounded != count:
        endpoints.scale(endpoint, variant, bounded)
        _changed[policy["PolicyARN"]] = time.time()


def _wanted(policy: dict[str, Any], count: int) -> int:
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    age_s = time.time() - _changed.get(policy["PolicyARN"], 0.0)
    high, low = (cloudwatch._alarms.get(alarm["AlarmName"]) for alarm in policy["Alarms"])
    grows = high and high["StateValue"] == "ALARM" and age_s >= int(config.get("ScaleOutCooldown", COOLDOWN_S))
    shrinks = low and low["StateValue"] == "ALARM" and age_s >= int(config.get("ScaleInCooldown", COOLDOWN_S))
    if not grows and (not shrinks or str(config.get("DisableScaleIn", False)).lower() == "true"):
        return count
    (each,) = alarms.values(high or low, PERIOD_S, 1)
    return count if each is None else max(1, math.ceil(count * each / float(config["TargetValue"])))


def _metric(resource_id: str, config: dict[str, Any]) -> dict[str, Any]:
    if custom := config.get("CustomizedMetricSpecification"):
        return {name: custom[name] for name in ("Namespace", "MetricName", "Dimensions", "Statistic") if name in custom}
    predefined = config.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if predefined != PREDEFINED:
        raise ValueError(f"the embedded AWS does not support the metric {predefined}, only {PREDEFINED}")
    _, endpoint, _, variant = resource_id.split("/")
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": "InvocationsPerInstance",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": "Sum",
    }
