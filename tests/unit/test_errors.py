"""The error tree."""

from gateway.errors import (
    GatewayError,
    ParameterFault,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
    UpstreamResult,
    leaves,
)


def test_every_leaf_is_a_problem_type_of_its_own() -> None:
    """Names and titles are unique, statuses are errors, and each says what it means and what to do."""
    found = list(leaves())
    assert len({leaf.name for leaf in found}) == len({leaf.title for leaf in found}) == len(found) == 17
    assert all(400 <= leaf.status <= 504 and leaf.meaning and leaf.remedy for leaf in found)
    assert {leaf.name: leaf.status for leaf in found} == {
        "invalid-parameters": 400,
        "unauthenticated": 401,
        "forbidden": 403,
        "not-found": 404,
        "method-not-allowed": 405,
        "not-acceptable": 406,
        "rate-limited": 429,
        "not-cached": 504,
        "upstream-rejected-parameters": 400,
        "upstream-failed": 502,
        "upstream-refused-credentials": 502,
        "upstream-forbidden": 502,
        "upstream-unreachable": 502,
        "upstream-broken-contract": 502,
        "upstream-overloaded": 503,
        "upstream-timeout": 504,
        "internal-error": 500,
    }


def test_an_error_can_be_raised_again_elsewhere() -> None:
    """The copy says the same and is another object."""
    error = UpstreamOverloaded(
        "busy",
        errors=(ParameterFault("a", "b"),),
        upstream=UpstreamResult("1", "x"),
        retry_after_s=7,
        pause_s=7,
        one_vdn=True,
        retryable_in_s=7,
        sent=False,
    )
    copy = error.again()
    assert copy is not error
    assert isinstance(copy, GatewayError)
    assert (type(copy), vars(copy)) == (type(error), vars(error))


def test_an_error_can_be_said_in_other_words() -> None:
    """Another detail changes nothing else, not even what only one leaf knows."""
    error = UpstreamRefusedCredentials("no", clock_ahead_s=1200.0, upstream=UpstreamResult("1", "x"))
    copy = error.again("no, and why")
    assert (str(copy), copy.detail) == ("no, and why", "no, and why")
    assert vars(copy) == {**vars(error), "detail": "no, and why"}
