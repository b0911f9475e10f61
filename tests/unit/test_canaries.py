"""The look for secrets finds them: tests that show one, each in its own way, fail."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.gateway import PROJECT

LEAKS = """
import logging
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import click
import click.testing
import pytest
import requests
import structlog
import werkzeug.test
import werkzeug.wrappers

from tests.support.canaries import plant, plant_made, require_none

SECRET = "s3cret/canary"
SIGNATURE = "ab" * 32
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
plant(SECRET)
plant_made(SIGNATURE, TOKEN)


@pytest.mark.parametrize(
    "leak",
    [
        SECRET,
        "s3cret%2Fcanary",
        SIGNATURE,
        TOKEN,
        "auth-v2/AK/2026-01-02T03:04:05Z/host/" + "0" * 64,
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_printed(leak):
    print(f"it is {leak}.")


def test_logged():
    logging.getLogger("x").warning("it is %s", SECRET)


def test_logged_by_the_gateway():
    structlog.WriteLogger(sys.stderr).msg(SECRET)


def test_taken_by_the_test(capsys):
    print(SECRET)
    capsys.readouterr()


def test_in_a_body():
    werkzeug.test.Client(werkzeug.wrappers.Response(SECRET)).get("/")


def test_in_a_header():
    werkzeug.test.Client(werkzeug.wrappers.Response("", headers={"X-Detail": SECRET})).get("/")


def test_by_a_command():
    click.testing.CliRunner().invoke(click.Command("x", callback=lambda: click.echo(SECRET)))


def test_by_a_process():
    subprocess.run([sys.executable, "-c", f"print({SECRET!r})"], capture_output=True)


def test_in_a_repr():
    require_none(repr({"key": SECRET}), "a repr")


def test_served():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(SECRET)))
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        try:
            requests.get(f"http://127.0.0.1:{server.server_address[1]}/", timeout=10)
        finally:
            thread.join()


def test_before_the_test(leaking):
    pass


@pytest.fixture
def leaking():
    yield
    print(SECRET)
"""
GOOD = """
import pytest


@pytest.mark.parametrize("text", ["nothing", "0" * 64, "a.b.c", "auth-v2", "-----BEGIN CERTIFICATE-----"])
def test_harmless(text, capsys):
    print(text)
    assert capsys.readouterr().out == text + "\\\\n"
    print(text)
"""


def test_every_way_to_show_a_secret_fails_the_test_that_does(tmp_path: Path) -> None:
    """Printed, logged, answered, by a command or another process, at any time of the test; all else passes."""
    (tmp_path / "test_leaks.py").write_text(LEAKS)
    (tmp_path / "test_good.py").write_text(GOOD.replace("\\\\n", "\\n"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.canaries", "-p", "no:cacheprovider"]
    process = subprocess.Popen(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    said, _ = process.communicate(timeout=100)
    # Each fails, the parametrized one six times; the last is an error, because its fixture shows it afterwards.
    ways = len(re.findall(r"^def test_", LEAKS, re.MULTILINE)) - 2 + 6
    assert re.search(rf"^{ways} failed, 6 passed, 1 error in ", said, re.MULTILINE), said
    assert process.returncode == 1
