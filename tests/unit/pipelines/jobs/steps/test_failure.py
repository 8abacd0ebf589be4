"""The frame of a step: its log lines name the job, and its failure is written for SageMaker and the log."""

import json
from pathlib import Path

import pytest

from pipelines.interface import jobs, log
from pipelines.jobs.steps import failure


def fail() -> None:
    raise ValueError("wrong" * 1000)


def write_config(ml: Path, text: str) -> Path:
    """Write SageMaker's description of the job below ``ml``; return the message file there."""
    (ml / "config").mkdir()
    (ml / "config" / "processingjobconfig.json").write_text(text)
    return ml / Path(jobs.MESSAGE_FILE).relative_to("/opt/ml")


def test_lines_name_the_processing_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = {"ProcessingJobName": "validate-123456789abc", "RoleArn": "arn:aws:iam::1:role/r"}
    failure.run(lambda: log.info("data validated"), write_config(tmp_path, json.dumps(config)))
    assert json.loads(capsys.readouterr().out)["job"] == "validate-123456789abc"


@pytest.mark.parametrize("config", [None, "{}"])
def test_job_has_no_name_outside_sagemaker(tmp_path: Path, config: str | None) -> None:
    assert failure.job_name(tmp_path / "message" if config is None else write_config(tmp_path, config)) is None


def test_failure_is_logged_and_its_message_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        failure.run(fail, tmp_path / "output" / "message")
    assert raised.value.code == 1
    message = (tmp_path / "output" / "message").read_text()
    assert message.startswith("ValueError: wrong")
    assert len(message) == failure.MAX_CHARACTERS
    out, err = capsys.readouterr()
    assert (json.loads(out)["level"], json.loads(out)["message"][:17]) == ("ERROR", "ValueError: wrong")
    assert "Traceback" in err
