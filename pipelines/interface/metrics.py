"""The names of the CloudWatch metrics, which functions and the dashboard share."""

from enum import StrEnum

NAMESPACE = "Mooring"
DIMENSION = "Environment"
"""The only dimension. CloudWatch takes $0.30 a month for each metric and combination of dimensions: the model is a
field of the log line that carries the metric, and all else is in the ledger."""


class Metric(StrEnum):
    """Name of a metric: a number of findings or of files. One of zero is not written, and so costs nothing."""

    DRIFT = "Drift"
    BROKEN_INPUT = "BrokenInput"
    QUALITY_LOST = "QualityLost"
    LANDED_FILES = "LandedFiles"
    QUARANTINED_FILES = "QuarantinedFiles"
