"""The server's process: it starts empty, stops by its own pid, and a kill -9 leaves no child process."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from click.testing import CliRunner

from mooring.cli import cli
from mooring.embedded import process
from mooring.errors import MooringError
from tests.support.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from tests.support.functions import create_function


def _eventually(fact: Callable[[], bool], within_s: float = 10) -> bool:
    end = time.monotonic() + within_s
    while not fact():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def _client(server: process.Server, service: str) -> Any:
    options = process.client_options(server, account=ACCOUNT, region=REGION)
    return boto3.client(service, **options)  # type: ignore[call-overload]


def test_server_and_its_proxy_listen_on_loopback_only(embedded_aws: EmbeddedAws) -> None:
    listening = [
        tuple(connection.laddr)
        for connection in psutil.Process(embedded_aws.server.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    server = embedded_aws.server
    assert sorted(listening) == sorted([("127.0.0.1", server.port), ("127.0.0.1", server.proxy_port)])


def test_kill_leaves_no_worker_and_the_next_start_is_empty(tmp_path: Path) -> None:
    server = process.start(home=tmp_path, port=process.free_port())
    aws = EmbeddedAws(server=server)
    role = aws.create_role("r", [], trusted={"Service": "lambda.amazonaws.com"})
    create_function(
        aws, "slow", "import time\ndef handle(event, context):\n    time.sleep(600)\n", role=role, Timeout=900
    )
    aws.client("lambda").invoke(FunctionName="slow", InvocationType="Event")
    parent = psutil.Process(server.pid)
    assert _eventually(lambda: len(parent.children(recursive=True)) >= 2)  # the guard and the worker
    children = [child.pid for child in parent.children(recursive=True)]
    os.kill(server.pid, signal.SIGKILL)
    assert _eventually(lambda: all(_gone(pid) for pid in children))
    assert process.running(tmp_path) is None
    again = process.start(home=tmp_path, port=server.port)
    try:
        assert _client(again, "lambda").list_functions()["Functions"] == []
    finally:
        assert process.stop(home=tmp_path) == again


def test_record_with_the_pid_of_another_process_is_ignored(tmp_path: Path) -> None:
    state = {
        "home": str(tmp_path),
        "port": 1,
        "proxy_port": 2,
        "pid": os.getpid(),
        "started": 0.0,
        "schedule_speed": 1.0,
    }
    (tmp_path / "server.json").write_text(json.dumps(state))
    assert process.running(tmp_path) is None
    assert process.stop(home=tmp_path) is None


def test_taken_port_is_refused_with_a_remedy(tmp_path: Path, embedded_aws: EmbeddedAws) -> None:
    with pytest.raises(MooringError, match=f"port {embedded_aws.server.port} cannot be used") as refused:
        process.start(home=tmp_path, port=embedded_aws.server.port)
    assert "--port" in refused.value.remedy


def test_commands_find_the_running_server(
    embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    monkeypatch.setenv("MOORING_HOME", str(embedded_aws.server.home))
    embedded_aws.client("cloudformation").create_stack(
        StackName="seen", TemplateBody=json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    )
    found = json.loads(run("embedded", "--json"))
    (place,) = [place for place in found["places"] if (place["account"], place["region"]) == (ACCOUNT, REGION)]
    assert "seen" in [stack["name"] for stack in place["stacks"]]
    assert "seen" in run("embedded")
    exported = run("env", ACCOUNT, "--region", REGION)
    assert f"export AWS_ENDPOINT_URL={embedded_aws.server.url}\n" in exported
    assert json.loads(run("env", ACCOUNT, "--region", REGION, "--json"))["AWS_ACCESS_KEY_ID"] == ACCOUNT
    assert json.loads(run("up", "--json"))["url"] == embedded_aws.server.url
    monkeypatch.setenv("MOORING_HOME", str(tmp_path))
    assert json.loads(run("embedded", "--json")) == {"running": False}
    assert json.loads(run("down", "--json")) == {"stopped": False}
    with pytest.raises(MooringError, match="does not run"):
        CliRunner().invoke(cli, ["env", ACCOUNT, "--region", REGION], catch_exceptions=False)


def test_incomplete_record_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text('{"home": "/tm')
    assert process.running(tmp_path) is None


def test_home_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "new"
    process.start(home=home, port=process.free_port())
    try:
        assert (home.stat().st_mode & 0o077, (home / "tls" / "server.key").stat().st_mode & 0o077) == (0, 0)
        assert [path.name for path in home.iterdir() if path.is_dir() and path.stat().st_mode & 0o077] == []
    finally:
        process.stop(home=home)


def test_up_refuses_options_that_differ_from_the_running_server(
    embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOORING_HOME", str(embedded_aws.server.home))
    with pytest.raises(MooringError, match="not 5"):
        CliRunner().invoke(cli, ["up", "--port", "5"], catch_exceptions=False)


def test_unknown_region_is_refused_with_a_suggestion(
    embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOORING_HOME", str(embedded_aws.server.home))
    with pytest.raises(MooringError, match="no region 'eu-wset-1'") as refused:
        CliRunner().invoke(cli, ["env", ACCOUNT, "--region", "eu-wset-1"], catch_exceptions=False)
    assert "did you mean eu-west-1?" in refused.value.remedy
