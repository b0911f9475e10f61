"""Which resources the next app takes over, and which are closed when."""

from gateway.reload import Resources


def test_a_part_is_made_once_for_what_decides_it() -> None:
    """An app has one of a name; the next one takes it over unless something else decides about it now."""
    first = Resources()
    kept = first.take("kept", "same", object)
    changed = first.take("changed", "old", object)
    assert first.take("kept", "same", object) is kept
    second = Resources(first)
    assert second.take("kept", "same", object) is kept
    assert second.take("changed", "new", object) is not changed
    third = Resources(second)
    second.forget_before()
    assert third.take("kept", "same", object) is kept


def test_what_decides_is_compared_not_identified() -> None:
    """Settings that were read again decide as those before did if they say the same."""
    first = Resources()
    resource = first.take("resource", ("https://isales", 10), object)
    assert Resources(first).take("resource", ("https://isales", int("10")), object) is resource


def test_what_nobody_takes_over_is_closed_with_its_app() -> None:
    """Resources that the heir has stay open, and are closed with the heir; the last made is closed first."""
    closed: list[str] = []
    first = Resources()
    first.take("kept", None, lambda: "kept", closed.append)
    first.take("changed", 1, lambda: "old", closed.append)
    first.take("without end", None, object)
    first.own("own", "own", lambda: closed.append("own"))
    second = Resources(first)
    second.take("changed", 2, lambda: "new", closed.append)
    second.take("kept", None, lambda: "other", closed.append)
    second.own("own", "of the second", lambda: closed.append("of the second"))
    first.close(heir=second)
    assert closed == ["own", "old"]
    second.close()
    assert closed == ["own", "old", "of the second", "kept", "new"]


def test_an_own_part_is_never_taken_over() -> None:
    """Whoever asks for its name makes a new one."""
    first = Resources()
    first.own("transport", "old", lambda: None)
    assert Resources(first).take("transport", None, lambda: "new") == "new"


def test_parts_that_can_are_drained() -> None:
    """Before a process ends; the others, and closing, come later."""
    told: list[str] = []
    resources = Resources()
    resources.take("taken", None, lambda: "taken", told.append)
    resources.own("own", "own", lambda: told.append("closed"))
    resources.own("drained", "drained", lambda: told.append("closed"), lambda: told.append("drained"))
    resources.drain()
    assert told == ["drained"]
