"""Synthesis refuses wheels that were not built, and their locks have hashes and no addresses."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra import job_packages, layer
from infra.wheels import Wheels, WheelsNotBuiltError

ALL = pytest.mark.parametrize("wheels", [layer.WHEELS, job_packages.WHEELS], ids=["layer", "jobs"])


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
