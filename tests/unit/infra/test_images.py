"""The registries of AWS's scikit-learn container are those that SageMaker publishes."""

import json
from importlib.metadata import distribution
from pathlib import Path

from infra import images


def test_registries_are_those_that_sagemaker_publishes() -> None:
    # Read as a file, because importing the SDK takes seconds.
    path = distribution("sagemaker-core").locate_file("sagemaker/core/image_uri_config/sklearn.json")
    config = json.loads(Path(str(path)).read_text(encoding="utf-8"))
    for scope in ("training", "inference"):
        published = config[scope]["versions"][images.VERSION]
        commercial = {
            region: account
            for region, account in published["registries"].items()
            if not region.startswith(("cn-", "us-gov-", "us-iso"))
        }
        assert commercial == images.REGISTRIES
        names = (published["repository"], published["processors"], published["py_versions"])
        assert names == (images.REPOSITORY, ["cpu"], ["py3"])


def test_image_has_its_region_in_its_address() -> None:
    expected = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
    assert images.scikit_learn("eu-west-1") == expected
