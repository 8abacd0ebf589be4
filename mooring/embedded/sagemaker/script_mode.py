"""Script mode: pass hyperparameters, channels and folders to a training program, as sagemaker-training does."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HOST = "algo-1"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Program of one training job, its channels and its facts; ``ml`` is the job's own ``/opt/ml``."""

    ml: Path
    job_name: str
    job_arn: str
    program: str
    submit_directory: str
    hyperparameters: dict[str, Any]
    channels: dict[str, Path]
    instance_type: str
    cpus: int


def decode(value: str) -> Any:
    """Return a hyperparameter's value: the parsed JSON, or the text itself if it is no JSON.

    >>> decode('"train.py"'), decode("0.1"), decode("plain")
    ('train.py', 0.1, 'plain')
    """
    try:
        return json.loads(value)
    except ValueError:
        return value


def arguments(hyperparameters: dict[str, Any]) -> list[str]:
    """Return the program's command line arguments: the user's hyperparameters, sorted by name.

    >>> arguments({"sagemaker_program": "t.py", "depth": 3, "a": 1})
    ['-a', '1', '--depth', '3']
    """
    own = _own(hyperparameters)
    pairs = [(f"-{name}" if len(name) == 1 else f"--{name}", str(own[name])) for name in sorted(own)]
    return [text for pair in pairs for text in pair]


def variables(setting: Setting) -> dict[str, str]:
    """Return the program's ``SM_*`` and other variables; create the output folders that they name."""
    ml, own = setting.ml, _own(setting.hyperparameters)
    paths = {
        "SM_MODEL_DIR": ml / "model",
        "SM_INPUT_DIR": ml / "input",
        "SM_INPUT_CONFIG_DIR": ml / "input" / "config",
        "SM_OUTPUT_DIR": ml / "output",
        "SM_OUTPUT_DATA_DIR": ml / "output" / "data",
        "SM_OUTPUT_INTERMEDIATE_DIR": ml / "output" / "intermediate",
    }
    for path in paths.values():
        path.mkdir(parents=True, exist_ok=True)
    module = setting.program.removesuffix(".py")
    facts = {
        "SM_CHANNELS": sorted(setting.channels),
        "SM_HPS": own,
        "SM_HOSTS": [_HOST],
        "SM_FRAMEWORK_PARAMS": {k: v for k, v in setting.hyperparameters.items() if k.startswith("sagemaker_")},
        "SM_USER_ARGS": arguments(setting.hyperparameters),
        "SM_INPUT_DATA_CONFIG": {name: {"TrainingInputMode": "File"} for name in sorted(setting.channels)},
        "SM_RESOURCE_CONFIG": _resource_config(setting),
    }
    return {
        **{name: str(path) for name, path in paths.items()},
        **{name: json.dumps(value) for name, value in facts.items()},
        **{f"SM_CHANNEL_{name.upper()}": str(path) for name, path in setting.channels.items()},
        **{f"SM_HP_{name.upper()}": _plain(value) for name, value in own.items()},
        "SM_CURRENT_HOST": _HOST,
        "SM_CURRENT_INSTANCE_TYPE": setting.instance_type,
        "SM_NUM_CPUS": str(setting.cpus),
        "SM_NUM_GPUS": "0",
        "SM_LOG_LEVEL": "20",
        "SM_USER_ENTRY_POINT": setting.program,
        "SM_MODULE_NAME": module,
        "SM_MODULE_DIR": setting.submit_directory,
        "SM_FRAMEWORK_MODULE": "sagemaker_sklearn_container.training:main",
        "TRAINING_JOB_NAME": setting.job_name,
        "TRAINING_JOB_ARN": setting.job_arn,
        "PYTHONPATH": str(ml / "code"),
    }


def write_config(setting: Setting, record: dict[str, Any]) -> None:
    """Write the files of ``/opt/ml/input/config``."""
    config = setting.ml / "input" / "config"
    config.mkdir(parents=True, exist_ok=True)
    channels = {channel["ChannelName"]: {"TrainingInputMode": "File"} for channel in record.get("InputDataConfig", [])}
    for name, value in {
        "hyperparameters": record.get("HyperParameters", {}),
        "inputdataconfig": channels,
        "resourceconfig": _resource_config(setting),
    }.items():
        (config / f"{name}.json").write_text(json.dumps(value))


def _own(hyperparameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hyperparameters.items() if not name.startswith("sagemaker_")}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _resource_config(setting: Setting) -> dict[str, Any]:
    return {"current_host": _HOST, "hosts": [_HOST], "current_instance_type": setting.instance_type}
