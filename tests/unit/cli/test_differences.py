"""What is another between two pages."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.differences import APPEARED, FIELDS, GONE, differences

ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 5), **{field: st.none() | st.sampled_from(["a", "b\n\x1b"]) for field in FIELDS}}
    ),
    unique_by=lambda row: int(row["id"] or 0),
    max_size=6,
)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """Return a campaign, with `changes`."""
    return {"id": number, **dict.fromkeys(FIELDS), "name": "Spring", "status": "running", **changes}


def test_each_change_is_one_line() -> None:
    """With what it was and what it is, and nothing that a terminal would obey."""
    before = [row(1), row(2), row(3, name="Au\x1b[2Jtumn")]
    after = [row(4, status="draft"), row(1, status="paused", ends_at="2026-01-01T00:00:00Z"), row(2)]
    assert [each.line() for each in differences(before, after)] == [
        "+ 4 Spring: draft, - to -",
        "~ 1 Spring: status running -> paused",
        "~ 1 Spring: ends_at - -> 2026-01-01T00:00:00Z",
        "- 3 Au?[2Jtumn: running, - to -",
    ]


@given(ROWS, ROWS)
def test_the_changes_lead_from_one_page_to_the_other(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """Whoever follows them has what there is; the same page has none."""
    held = {each["id"]: dict(each) for each in before}
    for change in differences(before, after):
        assert "\n" not in change.line()
        if change.change == APPEARED:
            held[change.id] = change.after
        elif change.change == GONE:
            assert held.pop(change.id) == change.before
        else:
            assert held[change.id][change.change] == change.before
            held[change.id][change.change] = change.after
    assert held == {each["id"]: each for each in after}
    assert list(differences(after, after)) == []
