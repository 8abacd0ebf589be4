"""The names of the CloudWatch metrics, which functions, alarms and dashboards share."""

from enum import StrEnum

NAMESPACE = "Mooring"


class Metric(StrEnum):
    """Name of a metric; a finding is 1 when it was found, else 0."""

    ROWS = "Rows"
    DRIFTED_COLUMNS = "DriftedColumns"
    CORRUPT_RECORDS = "CorruptRecords"
    DRIFT = "Drift"
    BROKEN_INPUT = "BrokenInput"
    LABELLED_ROWS = "LabelledRows"
    QUALITY = "Quality"
    QUALITY_LOST = "QualityLost"
    LANDED_FILES = "LandedFiles"
    QUARANTINED_FILES = "QuarantinedFiles"
