"""Errors of the command line name what was wrong, the value and a remedy; there is no traceback."""

from pathlib import Path

import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError

from mooring import cli
from mooring.cli import fleet
from mooring.cli.terminal import plain, print_table, progress, transfer
from mooring.errors import MooringError
from mooring.failures import explain


def _client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (_client_error("ExpiredToken"), "expired", "mooring env"),
        (_client_error("InvalidClientTokenId"), "access key", "mooring env"),
        (_client_error("AccessDeniedException"), "GetCallerIdentity", "role"),
        (_client_error("ThrottlingException"), "throttles", "wait"),
        (_client_error("ResourceNotFoundException"), "GetCallerIdentity", "deployed"),
        (aws.NoCredentialsError(), "credentials", "mooring env"),
        (aws.ProfileNotFound(profile="p"), "(p)", "mooring env"),
        (aws.EndpointConnectionError(endpoint_url="https://localhost:1"), "https://localhost:1", "mooring up"),
        (aws.SSLError(endpoint_url="https://localhost:1", error=OSError("x")), "SSL", "mooring env"),
        (aws.InvalidConfigError(error_msg="odd"), "odd", "~/.aws/config"),
        (ValueError("Invalid endpoint: localhost"), "AWS_ENDPOINT_URL", "mooring env"),
        (FileNotFoundError(2, "No such file or directory", "/x/y"), "/x/y: No such file", "path"),
    ],
)
def test_errors_name_what_was_wrong_and_a_remedy(
    error: Exception, message: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://localhost:1")
    explained = explain(error)
    assert explained is not None
    assert message in explained.message
    assert remedy in explained.remedy


def test_lost_connection_to_a_real_account_does_not_mention_the_embedded_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    explained = explain(aws.EndpointConnectionError(endpoint_url="https://sts.amazonaws.com"))
    assert explained is not None
    assert "mooring up" not in explained.remedy


def test_bugs_get_no_remedy() -> None:
    assert explain(KeyError("bug")) is None


def test_unreachable_server_is_an_error_with_exit_code_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111111111111")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "embedded")
    with pytest.raises(SystemExit) as ended:
        cli.main(["bootstrap", "arrivals-dev-us-east-1"])
    text = capsys.readouterr().err
    assert ended.value.code == 1
    assert text.startswith('Error: Could not connect to the endpoint URL: "http://localhost:1/"\nDo this: ')


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(MooringError, match=r"'arrivals-dev-us-east1' in fleet\.yaml") as environment:
        fleet.find("arrivals-dev-us-east1")
    assert "did you mean arrivals-dev-us-east-1?" in environment.value.remedy
    with pytest.raises(MooringError, match="no model 'late-arival'") as model:
        fleet.find("arrivals-dev-us-east-1", model="late-arival")
    assert "did you mean late-arrival?" in model.value.remedy
    with pytest.raises(MooringError, match=r"no dataset '\.\./x'"):
        fleet.find("arrivals-dev-us-east-1", dataset="../x")
    found = fleet.find("arrivals-dev-us-east-1", model="late-arrival", dataset="flights")
    assert found.id == "arrivals-dev-us-east-1"


def test_missing_file_of_the_fleet_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOORING_FLEET", str(tmp_path / "none.yaml"))
    with pytest.raises(MooringError, match=r"none\.yaml"):
        fleet.find("arrivals-dev-us-east-1")


def test_text_of_others_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert plain("a\x1b[2Jb\u202ec\nd é") == "a\\x1b[2Jb\\u202ec\nd é"
    print_table("\x1b[31mtitle", ["[red]column"], [["\x1b[2J"], ["[bold]cell[/bold]"]])
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "[bold]cell[/bold]" in text


def test_title_of_a_narrow_table_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("a title that is longer than the table", ["c"], [["x"]])
    assert capsys.readouterr().out.startswith("a title that is longer than the table\n")


def test_bars_and_spinners_are_silent_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    with transfer("Fetching") as on_progress, progress("Thinking") as update:
        on_progress(1, 2, "Fetching more")
        update("Thinking more")
    assert capsys.readouterr() == ("", "")
