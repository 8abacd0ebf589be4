"""The file of certificate authorities that ``mooring env`` names in its variables."""

from pathlib import Path

import pytest

from mooring.embedded import certificates, trust
from mooring.errors import MooringError


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in trust.VARIABLES:
        monkeypatch.delenv(name, raising=False)


def _authority(folder: Path) -> Path:
    return certificates.create(folder).authority


def test_holds_the_systems_authorities_and_the_servers(tmp_path: Path) -> None:
    ours = _authority(tmp_path / "ours")
    text = trust.write(ours, tmp_path / "trust.pem").read_text()
    assert text.count("BEGIN CERTIFICATE") > 50
    assert text.endswith(ours.read_text())


@pytest.mark.parametrize("variable", trust.VARIABLES)
def test_keeps_a_companys_authority_over_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    company = _authority(tmp_path / "company")
    first, second = _authority(tmp_path / "first"), _authority(tmp_path / "second")
    monkeypatch.setenv(variable, str(company))
    bundle = trust.write(first, tmp_path / "trust.pem")
    for name in trust.VARIABLES:  # as after eval "$(mooring env ...)": no variable names the company's file any more
        monkeypatch.setenv(name, str(bundle))
    text = trust.write(second, bundle).read_text()
    assert company.read_text().strip() in text
    assert second.read_text().strip() in text
    assert first.read_text().strip() not in text
    assert trust.write(second, bundle).read_text() == text


def test_refuses_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "gone.pem"))
    with pytest.raises(MooringError, match=r"NODE_EXTRA_CA_CERTS names .*gone\.pem, which cannot be read") as refused:
        trust.write(_authority(tmp_path / "ours"), tmp_path / "trust.pem")
    assert "unset NODE_EXTRA_CA_CERTS" in refused.value.remedy
