"""When credentials were last good, and how many of them are told apart."""

from gateway.access.last_use import CURRENT, MAX_TOKEN_NAMES, OTHER, PREVIOUS, TOKEN, LastUses
from gateway.telemetry.metrics import Metrics

STARTED_AT = 1_800_000_000.0


def last_uses(now: float) -> LastUses:
    """Return an empty record; on its clock the process began at 1000, and it is read at `now`."""
    return LastUses(wall=lambda: STARTED_AT + now - 1000.0, clock=lambda: now)


def test_the_two_keys_of_a_client_are_told_apart() -> None:
    """Each has a time of its own, of the wall clock; one that was not used has none."""
    uses = last_uses(now=1100.0)
    uses.of_key("web", PREVIOUS).at = 1020.0
    uses.of_key("web", CURRENT).at = 1090.0
    uses.of_key("web", CURRENT).at = 1099.5
    uses.of_key("app", CURRENT)
    assert uses.report() == [
        ("app", CURRENT, 0.0),
        ("web", CURRENT, STARTED_AT + 99.5),
        ("web", PREVIOUS, STARTED_AT + 20.0),
    ]


def test_there_are_only_so_many_holders_of_tokens() -> None:
    """The first hundred have a name, all others share one, however many there are."""
    uses = last_uses(now=1000.0)
    for number in range(MAX_TOKEN_NAMES * 3):
        uses.of_token(f"jwt:{number}").at = 1000.0
    assert len(uses.report()) == MAX_TOKEN_NAMES + 1
    assert uses.of_token("jwt:0") is not uses.of_token("jwt:1")
    assert uses.of_token("jwt:0") is uses.of_token("jwt:0")
    assert uses.of_token("jwt:200") is uses.of_token("jwt:201")
    assert (OTHER, TOKEN, STARTED_AT) in uses.report()


def test_clients_with_keys_do_not_count_as_holders_of_tokens() -> None:
    """However many clients the settings have, and whatever their names, tokens have their hundred names."""
    uses = last_uses(now=1000.0)
    for number in range(MAX_TOKEN_NAMES * 2):
        uses.of_key(f"client-{number}", CURRENT)
    uses.of_key(OTHER, CURRENT)
    uses.of_token("jwt:dashboard").at = 1000.0
    assert ("jwt:dashboard", TOKEN, STARTED_AT) in uses.report()


def test_the_numbers_say_it() -> None:
    """Prometheus is told client, kind of credential and time."""
    uses, metrics = last_uses(now=1000.0), Metrics()
    uses.of_key("web", CURRENT).at = 1000.0
    uses.of_key("web", PREVIOUS)
    metrics.watch_clients(uses.report)
    name = "campaign_gateway_client_last_seen_timestamp_seconds"
    exposed = metrics.exposition(None)[0].decode()
    assert f"# TYPE {name} gauge" in exposed
    assert f'{name}{{client="web",credential="current"}} 1.8e+09' in exposed
    assert f'{name}{{client="web",credential="previous"}} 0.0' in exposed


def test_keys_that_nobody_has_any_more_are_forgotten() -> None:
    """Holders of tokens stay, for no settings name them."""
    uses = last_uses(now=1000.0)
    for client, kind in (("web", CURRENT), ("web", PREVIOUS), ("app", CURRENT)):
        uses.of_key(client, kind)
    uses.of_token("user-7")
    uses.keep_keys({("web", CURRENT)})
    assert [seen[:2] for seen in uses.report()] == [("user-7", TOKEN), ("web", CURRENT)]
