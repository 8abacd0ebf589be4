"""The number of runs of a schedule in an average month of 730 hours."""

import pytest

from infra.cost.schedules import runs_per_month


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("rate(1 hour)", 730),
        ("rate(5 minutes)", 8760),
        ("rate(7 days)", 730 / 24 / 7),
        ("cron(0 6 * * ? *)", 730 / 24),
        ("cron(0/15 * * * ? *)", 4 * 730),
        ("cron(0 8-18 ? * MON-FRI *)", 11 * 5 * 730 / 24 / 7),
        ("cron(30 6,18 ? * 2 *)", 2 * 730 / 24 / 7),
        ("cron(0 6 1,15 * ? *)", 2),
        ("cron(0 6 L * ? *)", 1),
        ("cron(0 6 ? * 6#3 *)", 1),
        ("cron(0 6 1 JAN,JUL ? *)", 1 / 6),
    ],
)
def test_runs_of_a_month_are_counted(expression: str, runs: float) -> None:
    assert runs_per_month(expression) == pytest.approx(runs)


def test_what_is_no_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'at\(2026-01-01\)' is no rate"):
        runs_per_month("at(2026-01-01)")
