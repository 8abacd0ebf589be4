"""Instance types with local disks are known, because SageMaker accepts no key for them."""

import json

import pytest

from infra.instances import FILE, has_local_disk
from tests.infra.golden import instance_types


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [("ml.m5.large", False), ("ml.m5d.large", True), ("ml.g5.xlarge", True), ("ml.c6id.large", True)],
)
def test_families_with_a_d_and_those_with_a_gpu_have_local_disks(instance_type: str, expected: bool) -> None:
    assert has_local_disk(instance_type) is expected


def test_list_of_types_is_botocores() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == instance_types(), "run make golden"
