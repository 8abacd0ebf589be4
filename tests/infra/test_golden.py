"""The golden files are current, so that a review shows what a change does to an environment."""

import json

from infra import permission_table
from infra.synthesis import FLAGS_FILE
from pipelines.interface.codec import Json
from tests.infra.golden import FOLDER, JSON, README, compare, current, feature_flags, page_of_costs, readable

MEND = "run make golden, and review its diff"


def test_templates_are_equal_to_the_golden_ones() -> None:
    golden = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    found = current()
    assert [name for name, text in found.items() if golden.get(name) != text] == [], MEND
    assert set(golden) == set(found), MEND


def test_table_of_permissions_is_current() -> None:
    text = permission_table.PAGE.read_text(encoding="utf-8")
    assert permission_table.page(text) == text, MEND


def test_table_of_costs_is_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert page_of_costs(text) == text, MEND


def test_comparison_lists_changed_added_and_removed_values() -> None:
    dev: Json = {"a": {"kept": 1, "list": [1, 2], "null": None, "Resource": ["x", "y"]}, "removed": 0}
    other: Json = {"a": {"kept": 1, "list": [1, 3], "Resource": ["y", "x"]}, "added": [0]}
    assert list(compare(dev, other)) == [
        {"path": "a.list[1]", "dev": 2, "other": 3},
        {"path": "a.null", "dev": None},
        {"path": "added", "other": [0]},
        {"path": "removed", "dev": 0},
    ]


def test_json_in_strings_is_parsed_and_hashes_of_assets_are_masked() -> None:
    template = {"Text": '{"a": ["{\\"b\\": null}"]}', "Key": f"{'0f' * 32}.zip", "Braces": "{not JSON"}
    assert readable(template) == {
        "Text": {JSON: {"a": [{JSON: {"b": None}}]}},
        "Key": "<asset>.zip",
        "Braces": "{not JSON",
    }


def test_every_feature_flag_of_the_cdk_has_its_recommended_value() -> None:
    assert json.loads(FLAGS_FILE.read_text(encoding="utf-8")) == feature_flags(), MEND
