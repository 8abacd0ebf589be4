"""Tests the laws of the lease's decision, for any sequence of triggers."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipelines.flows.retraining.lease import RefusedError, decide, longest_run_s
from pipelines.interface.records import Lease, Trigger
from pipelines.interface.settings import Drift, Gate, Job, ModelSettings, Quality, Retraining

JOB = Job(instance_type="ml.m5.large", volume_gb=1, max_runtime_s=600)
SETTINGS = ModelSettings(
    model="m",
    dataset="d",
    task="regression",
    target="t",
    time_column="time",
    window_months=3,
    holdout_months=1,
    image="i",
    code_uri="s3://b/k",
    training=JOB,
    processing=JOB,
    gate=Gate(metric="mae", bound=1, min_gain=0, min_rows=1),
    drift=Drift(window_hours=1, min_rows=1, false_alarm_rate=0.005, min_effect=0.07, persistence=1),
    quality=Quality(min_labels=1, max_loss=0.1),
    retraining=Retraining(triggers=("drift",), cooldown_s=3600, max_runs_per_day=3),
    approval="manual",
    two_people=False,
)
START = datetime(2026, 1, 1, tzinfo=UTC)

steps = st.lists(
    st.tuples(
        st.integers(0, 20_000),
        st.sampled_from(["drift", "person", "schedule", "commit"]),
        st.integers(0, 8),
        st.integers(0, 8),
    ),
    max_size=40,
)


@given(steps)
def test_laws_of_the_lease(sequence: list[tuple[int, str, int, int]]) -> None:
    lease, now = Lease(), START
    per_day: dict[str, int] = {}
    for wait_s, kind, trigger_id, execution in sequence:
        now += timedelta(seconds=wait_s)
        trigger = Trigger(kind=kind, id=str(trigger_id), by="x", reason="y")
        try:
            after = decide(lease, trigger, SETTINGS, execution=str(execution), now=now)
        except RefusedError:
            continue
        if lease.holder == str(execution):
            assert after is lease, "the holder gets its own lease back"
            continue
        moment = int(now.timestamp())
        assert kind in ("drift", "person")
        assert lease.holder is None or moment >= lease.expires_at, "one run at a time"
        assert kind == "person" or moment >= lease.cooldown_until
        assert str(trigger_id) not in lease.recent_triggers
        assert after.token == lease.token + 1
        assert after.expires_at == moment + longest_run_s(SETTINGS)
        per_day[after.day] = per_day.get(after.day, 0) + 1
        assert per_day[after.day] == after.runs_today <= SETTINGS.retraining.max_runs_per_day
        lease = after
