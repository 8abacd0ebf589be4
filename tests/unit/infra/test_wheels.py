"""Synthesis refuses wheels that were not built; locks have hashes and no addresses; the layers have what is called."""

import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from infra import job_packages, layer
from infra.functions import FUNCTIONS
from infra.layer import ROOT
from infra.wheels import Wheels, WheelsNotBuiltError

ALL = pytest.mark.parametrize("wheels", [layer.WHEELS, layer.SDK, job_packages.WHEELS], ids=["layer", "sdk", "jobs"])


@ALL
def test_absent_wheels_are_refused_with_the_command_that_builds_them(wheels: Wheels, tmp_path: Path) -> None:
    with pytest.raises(WheelsNotBuiltError, match="run make layer"):
        replace(wheels, folder=tmp_path).built()


@ALL
def test_wheels_of_another_lock_are_refused(wheels: Wheels, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("other")
    stale = replace(wheels, lock=lock, folder=tmp_path)
    (tmp_path / "hash").write_text(wheels.asset_hash)
    with pytest.raises(WheelsNotBuiltError, match=f"{wheels.asset_hash[:12]}.*{stale.asset_hash[:12]}"):
        stale.built()


@ALL
def test_lock_has_hashes_and_no_address(wheels: Wheels) -> None:
    text = wheels.lock.read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text


def test_other_services_are_another_layer() -> None:
    assert replace(layer.SDK, services=("s3",)).asset_hash != layer.SDK.asset_hash


def test_functions_have_the_boto3_of_the_tests() -> None:
    content = layer.SDK.built() / layer.PACKAGES
    packages = {folder.name.partition("-")[0]: folder.name for folder in content.glob("*.dist-info")}
    for name in ("boto3", "botocore"):
        assert packages[name] == f"{name}-{version(name)}.dist-info"
    assert set(packages) == {"boto3", "botocore", "jmespath", "python_dateutil", "s3transfer", "six", "urllib3"}


def test_layer_has_the_services_that_the_functions_call() -> None:
    pattern = re.compile(r"""\.client\(\s*["']([a-z0-9-]+)["']\s*\)""")
    packages = {f"pipelines/{name}" for spec in FUNCTIONS for name in spec.packages}
    called = {
        name
        for folder in ("functions", *packages)
        for file in (ROOT / folder).rglob("*.py")
        for name in pattern.findall(file.read_text(encoding="utf-8"))
    }
    assert called == set(layer.SERVICES)


def test_layers_of_a_function_fit_lambda() -> None:
    size = sum(
        file.stat().st_size
        for wheels in (layer.WHEELS, layer.SDK)
        for file in wheels.built().rglob("*")
        if file.is_file()
    )
    assert size < 100_000_000, "Lambda unpacks at most 250 MB, and a function starts slower with each of them"


def test_the_layers_boto3_has_what_the_functions_need() -> None:
    """Run in another process, which finds no boto3 but the layer's."""
    program = """
import sys
sys.path[:0] = sys.argv[1:]
import boto3
from pipelines.aws import clients
assert boto3.__file__.startswith(sys.argv[1]), boto3.__file__
for service in sys.argv[3].split(","):
    assert clients.client(service).meta.service_model.service_name == service
try:
    clients.client("ec2")
except clients.OldSdkError as error:
    assert "the service ec2" in str(error)
"""
    arguments = [str(layer.SDK.built() / layer.PACKAGES), str(ROOT), ",".join(layer.SERVICES)]
    ran = subprocess.run(
        [sys.executable, "-P", "-c", program, *arguments],
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
