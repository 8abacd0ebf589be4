"""A persona's credentials are renewed before they expire."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mooring.persona_session import persona_session

ROLE = "arn:aws:iam::111111111111:role/arrivals-dev-us-east-1-engineer"


class Sts:
    """Fake of STS: its n-th credentials are valid for the n-th of ``minutes``."""

    def __init__(self, *minutes: int) -> None:
        self.minutes = list(minutes)
        self.requests: list[dict[str, str]] = []

    def assume_role(self, **request: str) -> dict[str, Any]:
        self.requests.append(request)
        number = len(self.requests)
        expiration = datetime.now(UTC) + timedelta(minutes=self.minutes[number - 1])
        keys = {"AccessKeyId": f"key{number}", "SecretAccessKey": f"secret{number}", "SessionToken": f"token{number}"}
        return {"Credentials": {**keys, "Expiration": expiration}}


def keys_of(sts: Sts, times: int) -> list[str | None]:
    session = persona_session(sts, ROLE, name="mooring-engineer", region="us-east-1")
    credentials = session.get_credentials()
    assert credentials
    return [credentials.get_frozen_credentials().access_key for _ in range(times)]


def test_valid_credentials_are_kept() -> None:
    sts = Sts(60)
    assert keys_of(sts, 2) == ["key1", "key1"]
    assert sts.requests == [{"RoleArn": ROLE, "RoleSessionName": "mooring-engineer"}]


def test_credentials_are_renewed_before_they_expire() -> None:
    assert keys_of(Sts(5, 60), 2) == ["key2", "key2"]
