"""What callers are told of their limit."""

import pytest
from flask import Blueprint, Flask, g

from gateway.access.limits import Quota
from gateway.api.problems import register_problems
from gateway.api.rate_limit import rate_limit_headers, tell_quotas


@pytest.mark.parametrize(
    ("quota", "told"),
    [
        (Quota("web", 60, allowed=True, remaining=59, frees_in_s=60.0), '"default";r=59;t=60'),
        (Quota("web", 60, allowed=True, remaining=0, frees_in_s=0.2), '"default";r=0;t=1'),
        (Quota("web", 60, allowed=False, remaining=0, frees_in_s=17.01), '"default";r=0;t=18'),
    ],
)
def test_fields_are_those_of_the_draft(quota: Quota, told: str) -> None:
    """The policy with quota and window, and the limit with what is left and for how many whole seconds."""
    assert rate_limit_headers(quota) == [("RateLimit-Policy", '"default";q=60;w=60'), ("RateLimit", told)]


@pytest.mark.parametrize("allowed", [True, False])
def test_answers_and_problems_have_them(allowed: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """A view that leaves a quota has it told whether it answers or raises; others have nothing told."""
    app, blueprint = Flask("test"), Blueprint("limited", __name__)
    register_problems(app)
    tell_quotas(blueprint)

    @blueprint.get("/counted")
    def counted() -> str:
        g.quota = Quota("web", 2, allowed, 0, 3.5)
        g.quota.require()
        return "page"

    @blueprint.get("/free")
    def free() -> str:
        return "page"

    app.register_blueprint(blueprint)
    client = app.test_client()
    answer = client.get("/counted")
    assert (answer.status_code, answer.headers.get("Retry-After")) == ((200, None) if allowed else (429, "4"))
    assert (answer.headers["RateLimit"], answer.headers["RateLimit-Policy"]) == (
        '"default";r=0;t=4',
        '"default";q=2;w=60',
    )
    assert not {"RateLimit", "RateLimit-Policy"} & set(client.get("/free").headers.keys())
