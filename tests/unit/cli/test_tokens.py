"""`flask tokens explain`, and the doctor's step for identity providers, in this process."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import Result

from gateway.cli.doctor_issuers import examine_issuers
from gateway.factory import create_app
from gateway.isales.doctor_step import State
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.bearer import jwt
from tests.support.gateway import settings_for
from tests.support.identity_provider import RSA, Provider, claims, jwk, jwks, provider, token
from tests.support.server import free_port

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Return a running simulator."""
    with SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as server:
        yield server


@pytest.fixture
def identity() -> Iterator[Provider]:
    """Return an identity provider."""
    with provider() as served:
        yield served


@pytest.fixture
def run(simulator: SimulatorServer, identity: Provider) -> Run:
    """Return a function that runs a command with standard input and settings of `[jwt]`."""

    def command(*args: str, sent: str | bytes = "", **settings: str) -> Result:
        variables = settings or jwt(jwks_url=identity.url)
        return create_app(settings_for(simulator.base_url, **variables)).test_cli_runner().invoke(args=args, input=sent)

    return command


def test_a_good_token_is_explained(run: Run) -> None:
    """A line a check within 100 columns, exit code 0; the token itself is in none."""
    sent = token()
    result = run("tokens", "explain", sent=f"{sent}\n")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert all(line.startswith(("good ", " " * 20)) for line in lines[:-2])
    assert max(map(len, lines)) <= 100
    assert lines[-1] == "The token is good."
    assert not any(part in result.output for part in sent.split("."))


def test_a_refused_token_is_explained_for_programs(run: Run) -> None:
    """`--json` has each check with its state, and whether the token is good; exit code 1."""
    result = run("tokens", "explain", "--json", sent=f"Bearer {token(claims(aud='account', exp=int(time.time()) - 5))}")
    document: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, document["good"]) == (1, False)
    states = {check["check"]: check["state"] for check in document["checks"]}
    assert {name for name, state in states.items() if state == "failed"} == {"audience", "time"}


def test_keys_that_are_out_of_reach(run: Run) -> None:
    """The signature is skipped, and the rest said."""
    result = run("tokens", "explain", sent=token(), **jwt(jwks_url=f"http://127.0.0.1:{free_port()}/jwks"))
    assert (result.exit_code, "failed   keys" in result.stdout) == (1, True)
    assert "skipped  signature" in result.stdout
    assert "The token is of no use as it is" in result.stdout


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [
        ("", 2, "There is no token on standard input"),
        (" \n", 2, "There is no token on standard input"),
        ("a" * 65_537, 1, "longer than 65536 bytes"),
        (b"\xff\xfe", 1, "not a JWT of three parts"),
    ],
)
def test_what_is_no_token(run: Run, sent: str | bytes, code: int, words: str) -> None:
    """It is called malformed, and nothing of it is repeated."""
    result = run("tokens", "explain", sent=sent)
    assert (result.exit_code, words in result.output) == (code, True), result.output


def test_a_token_is_no_argument(run: Run) -> None:
    """There it would be in the list of processes and in the history of the shell; it is refused and not repeated."""
    result = run("tokens", "explain", token())
    assert (result.exit_code, "A token is no argument" in result.stderr) == (2, True)


def test_without_tokens_there_is_nothing_to_explain(run: Run) -> None:
    """It says which setting is missing."""
    result = run("tokens", "explain", sent=token(), log__format="json")
    assert (result.exit_code, "Bearer tokens are off" in result.stderr) == (1, True)


def steps(result: Result) -> list[dict[str, Any]]:
    """Return the doctor's steps for identity providers."""
    return [step for step in json.loads(result.stdout)["steps"] if step["step"] == "issuer"]


def test_the_doctor_reads_the_keys_of_each_provider(run: Run, identity: Provider, tmp_path: Path) -> None:
    """One step each, with how many keys there are and how many cannot be used."""
    identity.body = jwks(jwk("a", RSA), jwk("b", RSA, use="enc"))
    tables = [
        f'{{issuer = "one", audience = "a", jwks_url = "{identity.url}"}}',
        f'{{issuer = "two", audience = "a", jwks_file = "{tmp_path}/jwks.json"}}',
    ]
    (tmp_path / "jwks.json").write_bytes(jwks(jwk("c", RSA)))
    result = run("isales", "doctor", "--json", jwt=f"[{', '.join(tables)}]")
    one, two = steps(result)
    assert result.exit_code == 0
    assert one["facts"] == {"issuer": "one", "source": identity.url, "keys": 1, "left_out": 1}
    assert one["seen"] == "one: keys: 1 usable (a); left out: keys[1] is not for signatures"
    assert (two["state"], two["vdn"], two["facts"]["source"]) == ("good", None, f"{tmp_path}/jwks.json")


def test_the_doctor_on_keys_that_cannot_be_read(run: Run, identity: Provider) -> None:
    """What was seen, what to do, and exit code 1; the VDNs are examined all the same, and good."""
    discovery = {"issuer": "https://id.example.com", "jwks_uri": "https://id.example.com/keys"}
    for body, hint in ((json.dumps(discovery).encode(), "`jwks_uri`"), (b"<html>", "`jwks_uri`")):
        identity.body = body
        result = run("isales", "doctor", "--json")
        (step,) = steps(result)
        assert (result.exit_code, step["state"]) == (1, "failed")
        assert hint in step["hint"]
        assert {one["state"] for one in json.loads(result.stdout)["steps"] if one["vdn"]} == {"good"}
    result = run("isales", "doctor", **jwt(jwks_url=f"http://127.0.0.1:{free_port()}/jwks"))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[lines.index("Bearer tokens") + 1].startswith("failed   issuer")
    assert "-> Check host and port of jwt.jwks_url" in result.stdout
    assert max(map(len, lines)) <= 100
    assert "VDN 1" in lines


def test_the_doctor_on_a_certificate_that_is_not_trusted(run: Run) -> None:
    """That is mended otherwise than a wrong address."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"https://127.0.0.1:{server.server_address[1]}/"
        (step,) = steps(run("isales", "doctor", "--json", **jwt(jwks_url=url)))
        server.shutdown()
    assert "SSL_CERT_FILE" in step["hint"]


def test_the_doctor_on_a_file_that_has_become_faulty(tmp_path: Path) -> None:
    """A gateway does not start with one, but it may be gone since; the hint is about the file."""
    settings = settings_for("http://127.0.0.1:9", **jwt(jwks_file=str(tmp_path / "gone.json")))
    (step,) = examine_issuers(settings.issuers)
    assert (step.state, "No such file" in step.seen) == (State.FAILED, True)
    assert step.hint.startswith("Put the JWK set")
