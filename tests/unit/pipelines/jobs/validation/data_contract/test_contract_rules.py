"""Rules across columns: the meaning of expressions; nothing else is ever evaluated."""

import math
import operator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.jobs.validation.data_contract.rules import InvalidRuleError, Rule

TYPES = {"a": "number", "b": "integer", "t": "time", "u": "time", "s": "category", "odd name": "number"}
NAN, NAT = math.nan, pd.NaT


def frame(**columns: list[object]) -> pd.DataFrame:
    dtypes = {"number": "float64", "integer": "float64", "time": "datetime64[ns]", "category": "object"}
    return pd.DataFrame({name: pd.Series(values, dtype=dtypes[TYPES[name]]) for name, values in columns.items()})


def broken(text: str, **columns: list[object]) -> list[int]:
    """Return the positions of the rows that break the rule."""
    rule = Rule(name="rule", text=text, types=TYPES)
    assert set(rule.columns) <= set(columns)
    return list(np.flatnonzero(rule.broken(frame(**columns))))


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("a < b", [1, 2]),
        ("a <= b", [2]),
        ("a == b", [0, 2]),
        ("a != b", [1]),
        ("not a > b", [2]),
        ("0 < a < b", [1, 2]),
        ("a + 1 > b and b > 0", [0]),
        ("a > b or b == 2", []),
        ("a * 2 - b >= 0 and abs(a - b) <= 2", []),
        ("a / b > 0.9 and a // b >= 1 or a % b == 1", []),
        ("-a + b >= 0", [2]),
        ("a in [1, 2]", [2]),
        ("a not in (2, 4)", [1, 2]),
    ],
)
def test_rule_of_numbers(text: str, bad: list[int]) -> None:
    assert broken(text, a=[1, 2, 4], b=[2, 2, 3]) == bad


def test_rules_of_texts() -> None:
    assert broken("s == 'x'", s=["x", "y", None]) == [1]
    assert broken("s in ['x', '=1+1']", s=["x", "=1+1", "<b>"]) == [2]


def test_rules_of_times() -> None:
    times = ["2013-01-01", "2013-01-03", NAT]
    assert broken("t >= '2013-01-02T00:00:00Z'", t=times) == [0]
    assert broken("t - u <= 1.5", t=times, u=["2013-01-01", "2013-01-01", "2013-01-01"]) == [1]


def test_column_reads_a_name_that_is_no_identifier() -> None:
    rule = Rule(name="r", text="column('odd name') > 0", types=TYPES)
    assert rule.columns == ("odd name",)
    assert list(rule.broken(pd.DataFrame({"odd name": [1.0, -1.0]}))) == [False, True]


def test_missing_value_breaks_no_rule_that_does_not_require_it() -> None:
    columns: dict[str, list[object]] = {"a": [NAN, 1, NAN], "b": [1, NAN, NAN]}
    for text in ("a < b", "a >= b", "not a < b", "a < b and a > b", "a + b == 0"):
        assert broken(text, **columns) == []
    assert broken("a < 5 and b > 5", **columns) == [0], "one is false, so the other does not matter"
    assert broken("not missing(a) or b == 7", **columns) == [0]


def test_division_by_zero_is_infinite_and_zero_by_zero_breaks_every_comparison() -> None:
    assert broken("a / b < 9", a=[1, 0, 1], b=[0, 0, 1]) == [0, 1]
    assert broken("b == 0 or a / b < 9", a=[1, 0, 1], b=[0, 0, 1]) == []
    assert broken("a / b != 9", a=[0, 1], b=[0, 1]) == [0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no expression"),
        ("a <", "no expression"),
        ("a; b", "no expression"),
        ("a = b", "no expression"),
        ("a", "is a number, but a rule is true or false"),
        ("1 < 2", "reads no column"),
        ("nowhere > 1", "'nowhere' is no column: it is one of a, b"),
        ("a.real > 1", "Attribute"),
        ("a[0] > 1", "Subscript"),
        ("a ** 2 > 1", "the operators are"),
        ("a << 2 > 1", "the operators are"),
        ("~a > 1", "not allowed"),
        ("(lambda: a)() > 1", "the functions are abs"),
        ("[x for x in a] == 1", "ListComp"),
        ("__import__('os').system('x') == a", "the functions are abs"),
        ("print(a) == 1", "the functions are abs"),
        ("abs(a, b) > 1", "each of one argument"),
        ("abs(x=a) > 1", "each of one argument"),
        ("column(a) > 1", "a name in quotes"),
        ("column('x') > 1", "'x' is no column"),
        ("a if b else a", "IfExp"),
        ("(a := 1) > 0", "NamedExpr"),
        ("f'{a}' == s", "JoinedStr"),
        ("a is b", "the comparisons are"),
        ("a > 's'", "compares a number with a text"),
        ("s > 's'", "texts are compared"),
        ("s == a", "compares a text with a number"),
        ("s + s == s", "needs a number"),
        ("t > 5", "compares a time with a number"),
        ("t > 'now'", "'now' is no ISO 8601 time"),
        ("t == s", "compares a time with a column of texts"),
        ("t + u > t", "needs a number"),
        ("abs(s) > 1", "needs a number"),
        ("not a", "needs a truth"),
        ("a and b", "needs a truth"),
        ("(a < b) < a", "compares a truth"),
        ("a in b", "followed by a list"),
        ("a in []", "followed by a list"),
        ("a in [b]", "numbers or texts only"),
        ("a in ['x']", "compares a number with a text"),
        ("a == True", "neither a number nor a text"),
        ("a == None", "neither a number nor a text"),
        ("a == b'x'", "neither a number nor a text"),
        ("a == 1j", "neither a number nor a text"),
        ("a == " + "9" * 400, "neither a number nor a text"),
        ("a > 1" + " or a > 1" * 200, "it has at most 1000"),
        ("(" * 400 + "a" + ")" * 400 + " > 1", "no expression"),
        ("a > 1\0", "no expression"),
    ],
)
def test_other_expressions_are_refused_at_construction(text: str, reason: str) -> None:
    with pytest.raises(InvalidRuleError) as raised:
        Rule(name="rule", text=text, types=TYPES)
    assert reason in str(raised.value)


COMPARE = {"<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">": operator.gt}
numbers = st.none() | st.integers(-5, 5)


@given(
    rows=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20),
    first=st.sampled_from(sorted(COMPARE)),
    second=st.sampled_from(sorted(COMPARE)),
    word=st.sampled_from(["and", "or"]),
    negated=st.booleans(),
)
def test_truth_has_three_values_as_in_sql(
    rows: list[tuple[int | None, int | None]], first: str, second: str, word: str, negated: bool
) -> None:
    def compare(symbol: str, left: int | None, right: int | None) -> bool | None:
        return None if left is None or right is None else bool(COMPARE[symbol](left, right))

    def expected(left: int | None, right: int | None) -> bool | None:
        one, two = compare(first, left, right), compare(second, right, 0)
        decisive = word == "or"
        found = decisive if decisive in (one, two) else None if None in (one, two) else not decisive
        return found if not negated or found is None else not found

    text = f"a {first} b {word} b {second} 0"
    rule = Rule(name="r", text=f"not ({text})" if negated else text, types=TYPES)
    found = rule.broken(frame(a=[row[0] for row in rows], b=[row[1] for row in rows]))
    assert list(found) == [expected(*row) is False for row in rows]


@given(st.text(alphabet="ab st()[]<>=!+-*/%.,'\"0123456789_:andotrimsglu\n", max_size=40))
def test_every_text_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = Rule(name="r", text=text, types=TYPES)
    except InvalidRuleError:
        return
    assert rule.broken(frame(**{name: [] for name in rule.columns})).shape == (0,)
