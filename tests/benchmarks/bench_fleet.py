"""Measures seconds to synthesize, and bytes of the templates, for 1, 10 and 100 models in one environment.

``most in a stack`` counts resources; CloudFormation takes 500.
"""

import os
import platform
import sys
import time
from importlib.metadata import version
from statistics import median
from typing import Any

from infra.fleet import Fleet, parse
from tests.support.synth import templates_of

COUNTS = (1, 10, 100)
RUNS = 3
"""Number of runs, of whose seconds the median is printed."""


def fleet_of(models: int) -> Fleet:
    document: dict[str, Any] = {
        "stages": [{"name": "dev"}],
        "teams": [
            {
                "name": "bench",
                "owners": ["bench@example.com"],
                "monthly_budget_usd": 100,
                "environments": [{"stage": "dev", "account": "111111111111", "region": "us-east-1"}],
                "models": [
                    {
                        "name": f"model-{number:04d}",
                        "program": "late_arrival",
                        "dataset": "flights",
                        "task": "classification",
                        "target": "late",
                        "time_column": "scheduled_departure",
                        "gate": {"metric": "auc", "bound": 0.6},
                    }
                    for number in range(models)
                ],
            }
        ],
    }
    return parse(document)


def main() -> None:
    os.environ["CDK_VALIDATION"] = "false"
    counts = [int(argument) for argument in sys.argv[1:]] or list(COUNTS)
    print(f"Python {platform.python_version()}, aws-cdk-lib {version('aws-cdk-lib')}, {os.cpu_count()} cores")
    print(f"{'models':>6} {'stacks':>6} {'synth s':>8} {'bytes':>10} {'bytes/model':>11} {'most in a stack':>15}")
    for models in counts:
        times = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            templates = templates_of(fleet_of(models))
            times.append(time.perf_counter() - begun)
        seconds = median(times)
        size = sum(len(str(template)) for template in templates.values())
        own = sum(len(str(template)) for name, template in templates.items() if "-model-0000-" in name)
        most = max(len(template["Resources"]) for template in templates.values())
        print(f"{models:>6} {len(templates):>6} {seconds:>8.1f} {size:>10,} {own:>11,} {most:>15}", flush=True)


if __name__ == "__main__":
    main()
