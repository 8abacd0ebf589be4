"""One drift check: the champion's captured traffic of a window against the baseline of that very version."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pipelines.clients import Services
from pipelines.contract import events
from pipelines.contract import ledger as keys
from pipelines.contract.paths import capture_prefix, check_prefix
from pipelines.contract.release_state import ReleaseState
from pipelines.contract.settings import ModelSettings
from pipelines.moments import parse_moment, sortable_id, written
from pipelines.monitoring import drift
from pipelines.monitoring.capture import Tally, capture_files, read_window
from pipelines.monitoring.emf import metrics_line
from pipelines.monitoring.profile import Profile
from pipelines.monitoring.report import first_line, render
from pipelines.notices import alert, emit
from pipelines.retraining.lease import read_settings

NOT_SERVING = "nothing_to_check"


class BaselineMissingError(LookupError):
    """The champion's package names no baseline to compare with."""


def check_drift(event: Mapping[str, Any], services: Services, *, key_arn: str) -> dict[str, Any]:
    """Check ``model`` for the window that ends at ``scheduled_at``; returns what the ledger keeps.

    Writes check.json and report.html under the check's prefix, encrypted with the key ``key_arn``, a metrics line to
    the log and a ledger entry; drift emits ``Drift Found`` every time, broken input an alert.
    """
    settings, end = read_settings(services, event["model"]), parse_moment(event["scheduled_at"])
    begin = end - timedelta(hours=settings.drift.window_hours)
    model = services.environment.model(settings.model)
    check_id = sortable_id(end, f"{model.id} {written(end)}")
    about: dict[str, Any] = {
        "check_id": check_id,
        "model": settings.model,
        "begin": written(begin),
        "end": written(end),
    }
    champion = ReleaseState.from_value(services.parameter(model.release_parameter)).champion
    if champion is None:
        return _record(services, {**about, "outcome": NOT_SERVING, "version": 0, "rows": 0, "worst": []})
    version = int(champion.rpartition("/")[2])
    baseline = _baseline(services, champion)
    current, tally = baseline.empty(), Tally()
    capture = services.bucket("capture")
    files = capture_files(capture, f"{capture_prefix(settings.model, version)}/{model.endpoint}", begin, end)
    for rows, table in read_window(capture, files, begin, end, tally):
        current.add(rows, table)
    corrupt = tally.corrupt + len(tally.quarantined)
    decision = drift.decide(baseline, current, settings.drift, records=tally.records, corrupt=corrupt)
    about |= {"version": version, "package_arn": champion, "files": tally.files, "records": tally.records}
    about |= {"corrupt_records": tally.corrupt, "damaged_files": len(tally.quarantined), "duplicates": tally.duplicates}
    _write(services, settings, check_id, decision, about, tally, key_arn)
    about |= {
        "outcome": decision.outcome,
        "rows": decision.rows,
        "worst": decision.worst,
        "findings": decision.findings,
    }
    print(_metrics(services, settings.model, end, decision, corrupt))
    _act(services, about, decision)
    return _record(services, about)


def _baseline(services: Services, package_arn: str) -> Profile:
    uri = services.package(package_arn).get("CustomerMetadataProperties", {}).get("baseline_uri")
    if not uri:
        raise BaselineMissingError(f"{package_arn} has no baseline_uri in its metadata: nothing to compare with")
    artifacts = services.bucket("artifacts")
    return Profile.from_document(artifacts.read_json(artifacts.key_of(uri)))


def _write(
    services: Services,
    settings: ModelSettings,
    check_id: str,
    decision: drift.Decision,
    about: Mapping[str, Any],
    tally: Tally,
    key_arn: str,
) -> None:
    artifacts, prefix = services.bucket("artifacts"), check_prefix(settings.model, check_id)
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}
    document = {**about, "quarantined": tally.quarantined, **decision.to_document()}
    artifacts.write_json(f"{prefix}check.json", document, **encryption)
    page = render(decision, about, settings.drift.psi_threshold)
    artifacts.write(f"{prefix}report.html", page.encode(), ContentType="text/html; charset=utf-8", **encryption)


def _metrics(services: Services, model: str, moment: datetime, decision: drift.Decision, corrupt: int) -> str:
    metrics = {
        "Rows": decision.rows,
        "DriftedColumns": len(decision.worst),
        "WorstPsi": decision.columns[0].psi if decision.columns else 0.0,
        "CorruptRecords": corrupt,
        "Drift": int(decision.outcome == drift.DRIFT),
        "BrokenInput": int(decision.outcome == drift.BROKEN_INPUT),
    }
    return metrics_line(moment, {"Environment": services.environment.id, "Model": model}, metrics)


def _act(services: Services, about: Mapping[str, Any], decision: drift.Decision) -> None:
    if decision.outcome == drift.DRIFT:
        worst = [column["name"] for column in decision.worst]
        detail = {"model": about["model"], "version": about["version"], "check_id": about["check_id"], "worst": worst}
        emit(services, events.DRIFT_FOUND, detail)
    if decision.outcome == drift.BROKEN_INPUT:
        message = "\n".join([*decision.findings, "", first_line(decision), f"Check: {about['check_id']}"])
        alert(services, f"{services.environment.id} {about['model']}: broken input", message)


def _record(services: Services, check: dict[str, Any]) -> dict[str, Any]:
    services.ledger.record(keys.model_pk(check["model"]), keys.check_sk(check["check_id"]), check)
    return check
