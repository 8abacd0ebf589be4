"""Laws of the release state and the parameter's value that holds it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.interface.release_state import InvalidReleaseStateError, ReleaseState


@given(
    st.one_of(st.none(), st.just("arn:aws:sagemaker:us-east-1:1:model-package/a/1")),
    st.sampled_from(["none", "shadow", "split"]),
    st.integers(0, 100),
    st.sampled_from(["guarded", "plain"]),
)
def test_value_is_read_back_as_the_same_state(arn: str | None, mode: str, weight: int, shift: str) -> None:
    state = ReleaseState(champion=arn, challenger=arn, mode=mode, weight=weight, shift=shift)
    assert ReleaseState.from_value(state.to_value()) == state


@pytest.mark.parametrize("value", ["", "none", "none,none,none,0", "none,none,odd,0,plain", "none,none,none,x,plain"])
def test_rejects_other_values(value: str) -> None:
    with pytest.raises(InvalidReleaseStateError):
        ReleaseState.from_value(value)
