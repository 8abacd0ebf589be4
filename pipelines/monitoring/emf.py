"""CloudWatch metrics as one line of the function's log: the embedded metric format."""

import json
from collections.abc import Mapping
from datetime import datetime

from pipelines.contract.names import NAMESPACE


def metrics_line(moment: datetime, dimensions: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    """One JSON line that CloudWatch Logs turns into metrics.

    Source: Amazon CloudWatch user guide, "Specification: Embedded metric format".
    """
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": "None"} for name in metrics],
    }
    about = {"Timestamp": int(moment.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, **dimensions, **metrics})
