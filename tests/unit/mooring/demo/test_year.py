"""The tables and the picture of the demo's year, also with hostile names."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from mooring.cli import cli
from mooring.demo.month import DRIFT_HEADER, QUALITY_HEADER, ChangedColumn, Month, drift_table, quality_table
from mooring.demo.year import next_second
from mooring.demo.year_picture import COST, HEIGHT, SAVED, render

SVG = "{http://www.w3.org/2000/svg}"
APRIL = Month(
    name="2013-04",
    rows=28330,
    labelled=27564,
    outcome="warning",
    changed=(ChangedColumn(name="temp", effect=0.51, drifted=False),),
    measured=0.71,
    quality="held",
    estimated=0.72,
    retrained=None,
    gain=None,
    verdict=None,
)
JULY = replace(
    APRIL,
    name="2013-07",
    outcome="drift",
    changed=tuple(
        ChangedColumn(name=name, effect=effect, drifted=name != "visib")
        for name, effect in (("humid", 0.4), ("temp", 0.9), ("dewp", 0.8), ("dest", 0.2), ("origin", 0.1), ("visib", 1))
    ),
    measured=0.69,
    retrained=0.76,
    gain=(0.06, 0.08),
    verdict="registered",
)


def test_tables_have_one_line_per_month_and_the_same_number_of_cells() -> None:
    months = [APRIL, replace(JULY, name="a|b")]
    for text, header in ((quality_table(months), QUALITY_HEADER), (drift_table(months), DRIFT_HEADER)):
        lines = text.splitlines()
        assert len(lines) == 4
        assert {line.replace("\\|", "").count("|") for line in lines} == {len(header) + 1}
        assert lines[3].startswith("| a\\|b |")


def test_cost_is_the_gap_to_the_retrained_model_and_zero_in_the_first_month() -> None:
    assert APRIL.cost == 0
    assert pytest.approx(0.07) == JULY.cost
    april, july = quality_table([APRIL, JULY]).splitlines()[2:]
    assert "| 0.690, held | 0.720 | 0.760 | +0.070 (+0.060 to +0.080) | registered |" in july
    assert "| the same model |  |  |" in april


def test_table_separates_drifted_columns_from_changed_ones() -> None:
    april, july = drift_table([APRIL, JULY]).splitlines()[2:]
    assert july == "| 2013-07 | drift | humid 0.40, temp 0.90, dewp 0.80, dest 0.20, 1 more | visib 1.00 |"
    assert april == "| 2013-04 | warning |  | temp 0.51 |"


def test_picture_is_well_formed_and_self_contained_for_hostile_names() -> None:
    picture = render([replace(APRIL, name='<a href="x">&'), JULY], model="</svg><script>")
    root = ElementTree.fromstring(picture)
    assert root.tag == f"{SVG}svg"
    assert not {element.tag for element in root.iter()} & {f"{SVG}script", f"{SVG}a", f"{SVG}image"}
    assert '<a href="x">&' in [element.text for element in root.iter(f"{SVG}text")]
    assert picture.count("http") == 1, "the namespace is its only address"


def test_picture_has_better_values_higher_and_the_gap_between_them() -> None:
    root = ElementTree.fromstring(render([APRIL, JULY], model="late-arrival"))
    lines = [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in root.iter(f"{SVG}polyline")
    ]
    _, old, new = lines
    assert old[0] == new[0], "both models are the same in the first month"
    assert new[1][1] < old[1][1], "y grows downwards"
    gaps = [rect.attrib for rect in root.iter(f"{SVG}rect") if rect.attrib.get("class") == "gap"]
    assert [float(gap["height"]) for gap in gaps] == pytest.approx([0, old[1][1] - new[1][1]], abs=0.11)
    assert float(gaps[1]["y"]) == new[1][1]
    assert float(gaps[1]["x"]) < new[1][0] < float(gaps[1]["x"]) + float(gaps[1]["width"])


def test_gap_shows_which_model_is_better() -> None:
    def colour(month: Month) -> str:
        root = ElementTree.fromstring(render([month], model="late-arrival"))
        return next(rect.attrib["fill"] for rect in root.iter(f"{SVG}rect") if rect.attrib.get("class") == "gap")

    assert colour(JULY) == COST
    assert colour(replace(JULY, retrained=0.6)) == SAVED


def test_long_outcome_is_wrapped_and_stays_in_the_picture() -> None:
    months = [replace(APRIL, name=f"2013-{number:02}", outcome="insufficient_data") for number in range(4, 13)]
    root = ElementTree.fromstring(render(months, model="late-arrival"))
    texts = [element.text for element in root.iter(f"{SVG}text") if element.attrib.get("class") == "outcome"]
    assert texts == ["insufficient", "data"] * 9
    grounds = [rect.attrib for rect in root.iter(f"{SVG}rect") if rect.attrib.get("rx") == "4"]
    assert max(float(ground["y"]) + float(ground["height"]) for ground in grounds) <= HEIGHT


def test_windows_of_two_months_share_no_second() -> None:
    first, second = next_second(), next_second()
    assert first < second
    assert first.microsecond == 0


def test_command_has_the_year_option() -> None:
    ran = CliRunner().invoke(cli, ["demo", "--help"])
    assert ran.exit_code == 0
    assert "--year" in ran.output
