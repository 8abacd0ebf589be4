"""Every check passes in a healthy account, and finds what is wrong in a broken one."""

import json
from pathlib import Path
from typing import Any

import pytest

from mooring.preflight.findings import Finding
from mooring.preflight.prove.registry import PROOFS
from mooring.preflight.registry import CHECKS, FIRST
from mooring.preflight.run import run_check
from mooring.preflight.tools import installed_cdk
from tests.unit.mooring.preflight import world
from tests.unit.mooring.preflight.broken import BROKEN, MISSING, NO_STACKS, NOTHING_LEFT, WARNS, Broken
from tests.unit.mooring.preflight.world import FOUNDATION, TEMPLATES

BY_NAME = {check.name: check for check in (*FIRST, *CHECKS)}
TESTED_APART = {"cdk": "test_another_cdk_cli_is_found", "throughput": "test_throughput_is_found_for_many_models"}


def findings(name: str, **world_: Any) -> list[Finding]:
    return run_check(BY_NAME[name], world.target(**world_))


@pytest.mark.parametrize("name", BY_NAME)
def test_check_finds_nothing_in_a_healthy_account(name: str) -> None:
    assert findings(name) == []


@pytest.mark.parametrize("name", BY_NAME)
def test_check_finds_nothing_before_the_first_deployment(name: str) -> None:
    assert findings(name, answers={**NO_STACKS, **NOTHING_LEFT}) == []


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: f"{broken.check}: {broken.says}")
def test_check_finds_what_is_broken(broken: Broken, tmp_path: Path) -> None:
    environment = world.changed_fleet(tmp_path, *broken.fleet)
    templates = broken.templates or TEMPLATES
    found = findings(broken.check, answers=broken.answers, environment=environment, templates=templates)
    assert [finding.what for finding in found if broken.says in finding.what], found
    assert {finding.verdict for finding in found} == {broken.verdict}
    assert all(finding.check == broken.check and finding.why and finding.remedy for finding in found)


def test_every_check_has_an_account_that_breaks_it() -> None:
    assert {broken.check for broken in BROKEN} | set(TESTED_APART) == set(BY_NAME)
    assert set(TESTED_APART.values()) <= set(globals())


def test_page_names_every_check_and_proof() -> None:
    page = (Path(__file__).parents[4] / "docs" / "how-to" / "preflight.md").read_text()
    assert [name for name in [*BY_NAME, *(proof.name for proof in PROOFS)] if f"`{name}`" not in page] == []


def test_another_cdk_cli_is_found(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {"aws-cdk": "2.9.0"}}))
    missing, old_node = installed_cdk(tmp_path, 20)
    assert "not installed, not 2.9.0" in missing.what
    assert "Node is 20" in old_node.what
    installed = tmp_path / "node_modules" / "aws-cdk"
    installed.mkdir(parents=True)
    (installed / "package.json").write_text(json.dumps({"version": "2.9.0"}))
    assert list(installed_cdk(tmp_path, 24)) == []


def test_throughput_is_found_for_many_models(tmp_path: Path) -> None:
    model = world.FLEET.read_text().partition("    models:\n")[2].partition("\n  - name: network")[0].rstrip() + "\n"
    more = "".join(model.replace("late-arrival", f"late-{number}") for number in range(201))
    environment = world.changed_fleet(tmp_path, (model, more.replace("    - name", "    - name")))
    (found,) = findings("throughput", environment=environment)
    assert (found.verdict, "40 requests a second, for 201 models" in found.what) == (WARNS, True)
    raised = {"ssm.get_service_setting": {"ServiceSetting": {"SettingValue": "true"}}}
    assert findings("throughput", environment=environment, answers=raised) == []


def test_foundation_that_is_not_deployed_has_no_key_to_check() -> None:
    deployed = world.stacks(*(name for name in TEMPLATES if name != FOUNDATION))
    assert findings("key", answers={"cloudformation.describe_stacks": deployed, "kms.describe_key": MISSING}) == []
