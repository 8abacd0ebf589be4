"""Use of runs: requests that tests count, and seconds that are estimated.

The requests of an idle drift check and of a landing that finds nothing are counted by
tests/functional/test_idle_cost.py. Seconds are estimates, since nothing has run in an account yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SECONDS_PER_REQUEST = 0.03
"""Estimate: the time that a function waits for an answer of S3, DynamoDB, SageMaker or Parameter Store."""
ENDPOINT_VOLUME_GB = 20
"""Estimate of an endpoint's volume per instance, after a bill (aws-samples/sagemaker-ssh-helper, Sample_Costs.md)."""
POLLS_PER_MONTH = 5 * 3 * 60 * 730
"""Lambda polls a queue that is empty five times in parallel, for 20 s each."""
JOB_SECONDS = 300
"""Estimate of the seconds that SageMaker charges for one job: it loads image and data, runs, and stores its result."""
RELEASE_SECONDS = 600
"""Estimate of an endpoint's update. In this time the instances of before and the new ones are charged."""
RELEASE_POLLS = RELEASE_SECONDS // 5
"""A release looks every five seconds whether the update has ended."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """Use of one call of a function, beside its memory.

    ``start_s`` is the estimate of its start and its own work: each call is taken for the first one after a pause.
    ``other_requests`` are those of SageMaker and Parameter Store, which cost only time.
    """

    start_s: float
    list_requests: int = 0
    put_requests: int = 0
    get_requests: int = 0
    table_reads: int = 0
    table_read_units: float = 0
    table_writes: int = 0
    other_requests: int = 0
    log_bytes: int = 0
    key_requests: int = 0

    @property
    def requests(self) -> int:
        s3 = self.list_requests + self.put_requests + self.get_requests
        return s3 + self.table_reads + self.table_writes + self.other_requests

    @property
    def seconds(self) -> float:
        return self.start_s + self.requests * SECONDS_PER_REQUEST

    def units(self, memory_mb: int) -> Mapping[str, float]:
        """Return what the call is charged for, by the units of the price table."""
        return {
            "function_gb_s": self.seconds * memory_mb / 1024,
            "function_request": 1,
            "list_request": self.list_requests + self.put_requests,
            "get_request": self.get_requests,
            "table_read": self.table_read_units,
            "table_write": self.table_writes,
            "log_gb": self.log_bytes / 1e9,
            "key_request": self.key_requests,
        }


CALLS = {
    "drift-check": Call(
        start_s=1.5,
        list_requests=5,
        put_requests=3,
        get_requests=3,
        table_reads=7,
        # 200 checks of about half a kilobyte are read for persistence and for the report, and 20 for the model's state;
        # four kilobytes are a unit.
        table_read_units=36,
        table_writes=2,
        other_requests=5,
        log_bytes=1400,
        key_requests=3,
    ),
    "land-files": Call(start_s=1.0, list_requests=1, log_bytes=600),
}
"""Calls of schedules that find nothing to do: a check of an endpoint without requests, a landing without files."""
