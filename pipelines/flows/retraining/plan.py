"""The plan of one run: everything that the jobs' requests need, decided once, from a frozen commit."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pipelines.aws.clients import Services, read_settings
from pipelines.datasets.commits.commits import Dataset
from pipelines.flows.retraining.recipe import PACKAGES, keep_code, keep_packages, recipe_of
from pipelines.flows.retraining.reproduction import plan_again, read_original
from pipelines.interface import jobs, keys
from pipelines.interface.events import REPRODUCTION
from pipelines.interface.names import Model
from pipelines.interface.paths import run_prefix
from pipelines.interface.release_state import ReleaseState
from pipelines.interface.settings import ModelSettings
from pipelines.interface.times import digest


def plan_run(event: Mapping[str, Any], services: Services, *, packages_uri: str) -> dict[str, Any]:
    """Freeze the dataset's head, find the champion, and say what the jobs are to do; see docs/reference/flows.md.

    ``packages_uri`` is the archive of what the jobs need and their container lacks; the run keeps a copy.

    Of a reproduction: what the package's own run had instead, the package itself standing in the champion's place.

    Raises
    ------
    NoDataError
        The dataset has no commit yet, or the recorded one is gone.
    NotReproducibleError
        A package that was to be reproduced cannot be.
    """
    environment = services.environment
    settings = read_settings(services, event["model"])
    model = environment.model(settings.model)
    original = None
    if event["trigger"]["kind"] == REPRODUCTION:
        original = read_original(services, model, event["trigger"]["package_arn"])
        settings, dataset, commit = plan_again(services, settings, original)
        packages_uri = original["packages_uri"]
    else:
        dataset = Dataset(name=settings.dataset, bucket=services.bucket("data"), ledger=services.ledger)
        commit = dataset.head()
    artifacts = services.bucket("artifacts")
    run_id = event["lease"]["run_id"]
    prefix = run_prefix(settings.model, run_id)
    run_uri = artifacts.uri(prefix)
    artifacts.write_json(f"{prefix}commit.json", commit.to_document())
    artifacts.write_json(f"{prefix}manifest.json", dataset.sagemaker_manifest(commit))
    recorded = original["recipe"] if original else {}
    settings, code_sha256 = keep_code(services, settings, prefix, expected_sha256=recorded.get("code_sha256"))
    packages_sha256 = keep_packages(services, packages_uri, prefix, expected_sha256=recorded.get("packages_sha256"))
    champion = None if original else find_champion(services, model)
    job_id = digest(event["execution"])
    record_plan(
        services,
        settings.model,
        run_id,
        {
            "dataset": settings.dataset,
            "commit": commit.id,
            "tree": commit.tree,
            "champion": champion["package_arn"] if champion else None,
            "reproduces": original["package_arn"] if original else None,
            "job_id": job_id,
            "recipe": recipe_of(settings, code_sha256=code_sha256, packages_sha256=packages_sha256),
        },
    )
    return {
        "run_id": run_id,
        "job_id": job_id,
        "commit": commit.id,
        "approval": settings.approval,
        "image": settings.image,
        "code_uri": settings.code_uri,
        "code_sha256": code_sha256,
        "training_role": model.role_arn("training"),
        "key_arn": services.parameter(environment.key_parameter),
        "training": asdict(settings.training),
        "processing": asdict(settings.processing),
        "hyperparameters": hyperparameters(settings, environment.region),
        "validate": validation(settings, run_uri),
        "training_data_uri": f"{run_uri}data/training/",
        "training_output_uri": f"{run_uri}model",
        "candidate_uri_prefix": f"{run_uri}model/",
        "evaluate": evaluation(settings, run_uri, original or champion),
        "run_uri": run_uri,
        "champion": {name: champion[name] for name in ("package_arn", "version")} if champion else None,
        "reproduces": {name: original[name] for name in ("package_arn", "run_id")} if original else None,
    }


def record_plan(services: Services, model: str, run_id: str, values: Mapping[str, Any]) -> None:
    """Record what a run is planned from, with the run and with the commit that it uses."""
    ledger = services.ledger
    ledger.update(keys.model_pk(model), keys.run_sk(run_id), values)
    use = {"model": model, "run_id": run_id, "dataset": values["dataset"], "commit": values["commit"]}
    ledger.update(keys.commit_pk(values["dataset"], values["commit"]), keys.use_sk(model, run_id), use)


def find_champion(services: Services, model: Model) -> dict[str, Any] | None:
    """The serving package: ``package_arn``, ``version`` and where its artifact lies."""
    arn = ReleaseState.from_value(services.parameter(model.release_parameter)).champion
    if arn is None:
        return None
    container = services.package(arn)["InferenceSpecification"]["Containers"][0]
    return {"package_arn": arn, "version": int(arn.rpartition("/")[2]), "model_uri": container["ModelDataUrl"]}


def hyperparameters(settings: ModelSettings, region: str) -> dict[str, str]:
    """The training request's hyperparameters; script mode wants each value JSON-encoded."""
    values = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": f"{jobs.CODE_CHANNEL}/{settings.code_uri.rpartition('/')[2]}",
        "sagemaker_region": region,
        "target": settings.target,
        **settings.hyperparameters,
    }
    return {name: json.dumps(value) for name, value in values.items()}


def validation(settings: ModelSettings, run_uri: str) -> dict[str, Any]:
    return {
        "inputs": [
            _input("code", settings.code_uri),
            _input("data", f"{run_uri}manifest.json", kind="ManifestFile"),
            _input("commit", f"{run_uri}commit.json"),
            _input("packages", f"{run_uri}{PACKAGES}"),
        ],
        "arguments": [
            *("--data", jobs.input_dir("data"), "--commit", jobs.input_dir("commit")),
            *("--packages", jobs.input_dir("packages")),
            *("--output", jobs.OUTPUT, "--message-file", jobs.MESSAGE_FILE),
            *("--target", settings.target, "--time-column", settings.time_column),
            *("--window-months", str(settings.window_months), "--holdout-months", str(settings.holdout_months)),
        ],
    }


def evaluation(settings: ModelSettings, run_uri: str, champion: Mapping[str, Any] | None) -> dict[str, Any]:
    inputs = [
        _input("code", settings.code_uri),
        _input("training", f"{run_uri}data/training/"),
        _input("holdout", f"{run_uri}data/holdout/"),
    ]
    arguments = [
        *("--training", jobs.input_dir("training"), "--holdout", jobs.input_dir("holdout")),
        *("--candidate", jobs.input_dir(jobs.CANDIDATE_INPUT)),
        *("--output", jobs.OUTPUT, "--message-file", jobs.MESSAGE_FILE),
        *("--task", settings.task, "--target", settings.target, "--metric", settings.gate.metric),
    ]
    if champion and champion["model_uri"]:
        inputs.append(_input("champion", champion["model_uri"]))
        arguments += ["--champion", jobs.input_dir("champion"), "--champion-version", str(champion["version"])]
    return {"inputs": inputs, "arguments": arguments}


def _input(name: str, uri: str, *, kind: str = "S3Prefix") -> dict[str, Any]:
    """One of ``CreateProcessingJob``'s ProcessingInputs."""
    source = {
        "S3Uri": uri,
        "LocalPath": jobs.input_dir(name),
        "S3DataType": kind,
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"InputName": name, "S3Input": source}
