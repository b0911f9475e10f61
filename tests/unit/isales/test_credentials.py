import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isales.credentials import Credentials, KeyName, clock_is_wrong, key_pairs, second_try
from gateway.settings.model import Secret
from tests.unit.isales.vendor import SECRET_KEY, TENANT, tenant

ROTATING = tenant(previous_access_key="OLD", previous_secret_key=Secret("an-older-secret"))
CURRENT, PREVIOUS = key_pairs(ROTATING)


def test_the_keys_of_a_tenant() -> None:
    """There is the current pair and, where it is configured, the previous one; neither shows."""
    (only,) = key_pairs(TENANT)
    assert (only.name, only.access_key, only.secret_key.reveal()) == (KeyName.CURRENT, "AK", SECRET_KEY)
    assert (PREVIOUS.name, PREVIOUS.access_key, PREVIOUS.secret_key.reveal()) == (
        KeyName.PREVIOUS,
        "OLD",
        "an-older-secret",
    )
    assert only == CURRENT
    shown = repr(Credentials(PREVIOUS))
    assert "OLD" not in shown
    assert "an-older-secret" not in shown


@pytest.mark.parametrize(
    ("in_use", "ahead", "right"),
    [
        (0.0, 1200.0, 1200.0),
        (0.0, -1200.0, -1200.0),
        (0.0, 30.5, 30.5),
        (1200.0, -1199.5, 0.0),
        (1200.0, -1170.5, 0.0),
        (1200.0, 100.0, 1300.0),
        (0.0, 86_400.0, 86_400.0),
        (86_000.0, 400.0, 86_400.0),
    ],
)
def test_a_wrong_clock_comes_first(in_use: float, ahead: float, right: float) -> None:
    """The same keys are tried with the measured clock, or with our own one again if that has been mended."""
    assert second_try(Credentials(PREVIOUS, in_use), ahead, (CURRENT, PREVIOUS)) == Credentials(PREVIOUS, right)


@pytest.mark.parametrize(
    ("in_use", "ahead"),
    [(0.0, None), (0.0, 30.0), (0.0, -30.0), (1200.0, 3.0), (0.0, 86_401.0), (0.0, -1e9), (86_000.0, 500.0)],
)
def test_the_other_keys_by_a_clock_that_is_good_or_not_believed(in_use: float, ahead: float | None) -> None:
    """With no better clock the other pair is tried by the clock in use, and without one nothing."""
    pairs = (CURRENT, PREVIOUS)
    assert second_try(Credentials(CURRENT, in_use), ahead, pairs) == Credentials(PREVIOUS, in_use)
    assert second_try(Credentials(PREVIOUS, in_use), ahead, pairs) == Credentials(CURRENT, in_use)
    assert second_try(Credentials(CURRENT, in_use), ahead, (CURRENT,)) is None


@given(st.floats(-86_400, 86_400), st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_second_try_is_never_the_first_again(in_use: float, ahead: float | None) -> None:
    """What was refused is not sent again, and no clock is more than a day off."""
    used = Credentials(CURRENT, in_use)
    second = second_try(used, ahead, (CURRENT, PREVIOUS))
    assert second is not None
    assert second != used
    assert abs(second.clock_ahead_s) <= 86_400
    assert (second.keys == CURRENT) == clock_is_wrong(used, ahead)
