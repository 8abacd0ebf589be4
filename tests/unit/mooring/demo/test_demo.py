"""The demo fails at a wrong claim, counts a caller's failures, and keeps answers in order."""

import io
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from mooring.demo.story import ClaimError, Story
from mooring.demo.traffic import Caller, month_labels, month_requests
from mooring.traffic import ROWS_PER_REQUEST, send
from pipelines.models import flights


class Endpoint:
    """Fake endpoint that answers each row with its own text, and refuses the requests with numbers in ``refuse``."""

    def __init__(self, refuse: tuple[int, ...] = ()) -> None:
        self.requests = 0
        self.ids: dict[str, str] = {}
        self._refuse = refuse

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.requests += 1
        if self.requests in self._refuse:
            raise ClientError({"Error": {"Code": "ModelError", "Message": "no"}}, "InvokeEndpoint")
        self.ids[request.get("InferenceId", "")] = request["Body"]
        return {"Body": io.BytesIO("\n".join(request["Body"].splitlines()[1:]).encode())}


def test_claim_that_does_not_hold_ends_the_story() -> None:
    story = Story(Console(file=io.StringIO()))
    with story.chapter("one"):
        story.claim("two is two", int("2") == 2, otherwise="not so")
        with pytest.raises(ClaimError, match=r"this claim does not hold: two is three\. Found: 2"):
            story.claim("two is three", int("2") == 3, otherwise="2")


def test_closing_table_counts_claims_and_shows_figures() -> None:
    text = io.StringIO()
    story = Story(Console(file=text, width=200))
    with story.chapter("one") as figures:
        story.claim("it holds", True, otherwise="")
        figures["rows"] = "12"
    story.end({"Look": "there"})
    assert "1 claims checked" in text.getvalue()
    assert "rows 12" in text.getvalue()


def test_answers_come_in_the_order_of_the_rows() -> None:
    rows = [str(number) for number in range(3 * ROWS_PER_REQUEST + 1)]
    counted: list[int] = []
    assert send(Endpoint(), "e", "n", rows, name="x", on_request=counted.append) == rows
    assert sorted(counted) == [1, *[ROWS_PER_REQUEST] * 3]


def test_caller_counts_failures() -> None:
    endpoint = Endpoint(refuse=(2,))
    with Caller(client=endpoint, endpoint="e", header="n", rows=["1"]) as caller:
        while endpoint.requests < 4:
            time.sleep(0.01)
    assert len(caller.failures) == 1
    assert "ModelError" in caller.failures[0]
    assert caller.answered == endpoint.requests - 1


def test_requests_carry_features_and_no_labels() -> None:
    header, rows = month_requests(2)
    assert header.split(",") == flights.FEATURES
    assert not set(flights.LABELS) & set(header.split(","))
    assert len(rows) == len(flights.month_rows(2))


def test_labels_name_the_request_and_the_row_of_a_flight() -> None:
    endpoint, (header, rows) = Endpoint(), month_requests(2)
    send(endpoint, "e", header, rows, name="february", on_request=lambda _: None)
    late = flights.month_rows(2)["late"]
    lines = [line.split(",") for line in month_labels(2, "february").splitlines()[1:]]
    assert len(lines) == late.notna().sum() < len(rows)
    known = late.dropna()
    for (name, row, label), (number, expected) in list(zip(lines, known.items(), strict=True))[::500]:
        assert endpoint.ids[name].splitlines()[1 + int(row)] == rows[int(str(number))]
        assert int(label) == expected
