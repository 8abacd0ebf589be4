"""Measures seconds of ``mooring preflight`` on a clean environment of the embedded AWS, with the program's start."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from mooring import bootstrap, cdk
from mooring.cli.fleet import find
from mooring.embedded import process

ENVIRONMENT = "arrivals-dev-us-east-1"
RUNS = 5
"""Number of runs, of whose seconds the median is printed."""


def main() -> None:
    os.environ["MOORING_FLEET"] = str(Path(__file__).parents[1] / "support" / "fleet.yaml")
    environment = find(ENVIRONMENT)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = process.start(home=home / "aws", port=process.free_port())
        try:
            variables = process.variables(server, account=environment.account, region=environment.region)
            bootstrap.bootstrap(environment, variables=variables, log=home / "bootstrap.log")
            deploy = ["deploy", f"{ENVIRONMENT}-*", "--require-approval", "never", "--concurrency", "3"]
            cdk.run([*deploy, "--output", str(home / "cdk.out")], variables=variables, log=home / "deploy.log")
            times = []
            for _ in range(RUNS):
                begun = time.perf_counter()
                command = [sys.executable, "-m", "mooring", "preflight", ENVIRONMENT, "--json"]
                subprocess.run(command, env={**os.environ, **variables}, check=True, stdout=subprocess.DEVNULL)
                times.append(time.perf_counter() - begun)
        finally:
            process.stop(home=home / "aws")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"preflight of a clean environment: {median(times):.1f} s (of {RUNS}: {min(times):.1f} to {max(times):.1f})")


if __name__ == "__main__":
    main()
