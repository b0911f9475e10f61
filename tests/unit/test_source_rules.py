"""The rules about the gateway's source, each with code that breaks it and code that only looks like it."""

import re
from pathlib import Path

import pytest

from tests.source_rules import EXCEPTIONS, PROJECT, RULES, findings, main, unexcused

BAD = {
    "unsafe-loading": [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "from joblib.numpy_pickle import load",
        "def f():\n    import marshal",
        "import shelve; shelve.open('x')",
        "import yaml\nyaml.load(text)",
        "from yaml import unsafe_load as read",
    ],
    "tls-unverified": [
        "requests.get(url, verify=False, timeout=1, allow_redirects=False)",
        "session.verify = False",
        "context.check_hostname = False",
        "import ssl\ncontext.verify_mode = ssl.CERT_NONE",
        "from ssl import CERT_NONE",
        "from ssl import _create_unverified_context as tls",
        "import ssl as s\ns._create_unverified_context()",
        "HTTPSConnectionPool(host, assert_hostname=False)",
        "import urllib3\nurllib3.disable_warnings()",
    ],
    "no-deadline": [
        "import requests\nrequests.get(url, allow_redirects=False)",
        "import requests as r\nr.post(url, timeout=None, allow_redirects=False)",
        "from requests import get\nget(url, allow_redirects=False)",
        "self._session.send(prepared, allow_redirects=False)",
        "self._adapter.send(prepared, stream=True)",
        "from http.client import HTTPSConnection\nHTTPSConnection('host')",
        "import socket\nsocket.create_connection(('host', 80))",
    ],
    "redirects": [
        "import requests\nrequests.get(url, timeout=1)",
        "session.get(url, timeout=1, allow_redirects=True)",
        "session.get(url, timeout=1, allow_redirects=follow)",
        "from urllib.request import urlopen",
        "import urllib.request",
        "import urllib3\nurllib3.PoolManager()",
        "from flask import redirect",
        "import flask\nflask.redirect('/')",
    ],
    "code-from-text": [
        "eval(text)",
        "exec(text)",
        "compile(text, '', 'exec')",
        "import os\nos.system(text)",
        "from os import popen",
        "subprocess.run(text, shell=True)",
    ],
    "sleep": ["import time\ntime.sleep(1)", "from time import sleep", "import time\nwait = time.sleep"],
    "callers-host": [
        "from flask import request\nrequest.host",
        "import flask\nflask.request.url_root",
        "from flask import request as asked\nasked.base_url",
        "url_for('documentation.docs', _external=True)",
        "environ['HTTP_HOST']",
        "environ.get('HTTP_X_FORWARDED_HOST')",
        "environ.get('HTTP_X_ORIGINAL_URL')",
    ],
}
GOOD = [
    "import json\njson.loads(text)",
    "import yaml\nyaml.safe_load(text)",
    "pickled = 1\nself.pickle = pickled",
    "requests.get(url, verify=True, timeout=1, allow_redirects=False)",
    "context.check_hostname = True",
    "import ssl\ncontext.verify_mode = ssl.CERT_REQUIRED",
    "import requests\nrequests.get(url, timeout=(1, 2), allow_redirects=False)",
    "session.get(url, timeout=1, allow_redirects=False)",
    "self._adapter.send(prepared, timeout=1)",
    "pages.get(key)\noptions.delete(key)\nself._learned.get(key)",
    "from http.client import HTTPSConnection\nHTTPSConnection('host', timeout=1)",
    "import socket\nsocket.create_connection(('host', 80), 1)\nsocket.create_connection(('host', 80), timeout=1)",
    "import re\nre.compile('x')",
    "import subprocess\nsubprocess.run(['ls'], shell=False)",
    "def f(evaluate, sleep):\n    evaluate()\n    sleep(1)",
    "import time\ntime.monotonic()",
    "from flask import request\nrequest.path\nrequest.script_root\nrequest.headers",
    "settings.host\nself.url\nendpoint.base_url",
    "url_for('documentation.docs')",
    "environ['HTTP_ACCEPT']",
    "from urllib.parse import urlsplit",
]


@pytest.mark.parametrize(("rule", "source"), [(rule, source) for rule, sources in BAD.items() for source in sources])
def test_what_breaks_a_rule_is_found(rule: str, source: str) -> None:
    """By that rule, whatever the names were imported as."""
    assert rule in {finding.rule for finding in findings(source, "a.py")}


@pytest.mark.parametrize("source", GOOD)
def test_what_only_looks_like_it_is_left_alone(source: str) -> None:
    """Harmless code has no finding."""
    assert list(findings(source, "a.py")) == []


def test_every_rule_is_tried() -> None:
    """No rule is without code that it finds."""
    assert BAD.keys() == RULES.keys()


def test_a_finding_says_where_and_why() -> None:
    """One line that an editor can jump to."""
    (finding,) = findings("x = 1\neval(x)", "gateway/a.py")
    assert str(finding) == "gateway/a.py:2: code-from-text: text is never run"


def test_excuses_are_for_one_file_and_one_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What another file breaks is found; the simulator may wait and look at its host, but runs no text either."""
    for path, source in {
        "app.py": "",
        "gateway/pages/a.py": "import pickle",
        "gateway/simulator/a.py": "import time\ntime.sleep(1)\neval('1')",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source)
    found, unused = unexcused(tmp_path)
    assert [(finding.path, finding.rule) for finding in found] == [
        ("gateway/pages/a.py", "unsafe-loading"),
        ("gateway/simulator/a.py", "code-from-text"),
    ]
    assert unused == set(EXCEPTIONS)
    assert main(tmp_path) == 1
    assert "gateway/pages/a.py:1: unsafe-loading" in capsys.readouterr().out


def test_templates_build_nothing_from_a_host() -> None:
    """Nor do they let text through unescaped."""
    for template in (PROJECT / "gateway").rglob("*.html"):
        assert not re.search(r"_external|\brequest(\.\w|\[)|\|\s*safe\b|autoescape", template.read_text()), template
