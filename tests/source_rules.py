"""Rules of security that ruff and bandit do not have, or do not have as strictly: `python -m tests.source_rules`.

They are about what one file says, as Python's own parser reads it. semgrep could say the same in YAML, but it brings 51
packages, wants an older click than the gateway runs on, and asks the network for news unless told not to.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Finding:
    """A place, and which rule of `RULES` it breaks."""

    path: str
    line: int
    rule: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {RULES[self.rule][0]}"


class Names:
    """What the names of a module stand for, by its imports, wherever in it they are."""

    def __init__(self, module: ast.Module) -> None:
        self._of: dict[str, str] = {}
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._of[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                self._of.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})

    def dotted(self, node: ast.AST) -> str:
        """Return the full name of `node`, such as `ssl.CERT_NONE`, or "" when it is no name."""
        if isinstance(node, ast.Name):
            return self._of.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        return ""


Rule = Callable[[ast.AST, Names], bool]


def _within(name: str, packages: frozenset[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _mentions(*packages: str) -> Rule:
    """Return a rule that is broken by importing or naming one of `packages`, or something in it."""
    wanted = frozenset(packages)

    def broken(node: ast.AST, names: Names) -> bool:
        if isinstance(node, ast.Import):
            return any(_within(alias.name, wanted) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            return any(_within(f"{node.module}.{alias.name}", wanted) for alias in node.names)
        return isinstance(node, ast.Attribute | ast.Name) and names.dotted(node) in wanted

    return broken


def _says(name: str, value: object) -> Rule:
    """Return a rule that is broken by an argument `name=value`, or by giving an attribute `name` that value."""

    def broken(node: ast.AST, _names: Names) -> bool:
        if isinstance(node, ast.keyword):
            return node.arg == name and _is(node.value, value)
        if isinstance(node, ast.Assign):
            named = any(isinstance(target, ast.Attribute) and target.attr == name for target in node.targets)
            return named and _is(node.value, value)
        return False

    return broken


def _is(node: ast.AST | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _any(*rules: Rule) -> Rule:
    return lambda node, names: any(rule(node, names) for rule in rules)


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request", "send"})
_CONNECTIONS: Final = frozenset({"http.client.HTTPConnection", "http.client.HTTPSConnection"})


def _sends(call: ast.Call, names: Names, *senders: str) -> bool:
    """Tell whether `call` sends a request with requests, by itself or by what is called one of `senders`."""
    owner, _, method = names.dotted(call.func).rpartition(".")
    return method in _METHODS and (owner == "requests" or owner.endswith(senders))


def _without_deadline(node: ast.AST, names: Names) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = names.dotted(node.func)
    if name == "socket.create_connection":
        return len(node.args) == 1 and _keyword(node, "timeout") is None
    if not (_sends(node, names, "session", "adapter") or name in _CONNECTIONS):
        return False
    timeout = _keyword(node, "timeout")
    return timeout is None or _is(timeout, None)


def _following(node: ast.AST, names: Names) -> bool:
    return (
        isinstance(node, ast.Call)
        and _sends(node, names, "session")
        and not _is(_keyword(node, "allow_redirects"), value=False)
    )


def _callers_name_for_us(node: ast.AST, names: Names) -> bool:
    if isinstance(node, ast.Attribute):
        owner, _, attribute = names.dotted(node).rpartition(".")
        return owner in {"flask.request", "request"} and attribute in _OF_HOST
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(_HOST_VARIABLES)


_OF_HOST: Final = frozenset({"host", "host_url", "url", "base_url", "url_root", "root_url", "scheme", "server"})
_HOST_VARIABLES: Final = ("HTTP_HOST", "HTTP_X_FORWARDED", "HTTP_FORWARDED", "HTTP_X_ORIGINAL", "HTTP_X_REWRITE")

RULES: Final[dict[str, tuple[str, Rule]]] = {
    "unsafe-loading": (
        "what these load runs as code",
        _mentions(
            *("pickle", "cPickle", "dill", "cloudpickle", "joblib", "jsonpickle", "marshal", "shelve"),
            *("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"),
        ),
    ),
    "tls-unverified": (
        "the other end must be verified, always",
        _any(
            _says("verify", value=False),
            _says("check_hostname", value=False),
            _says("assert_hostname", value=False),
            _mentions("ssl._create_unverified_context", "ssl._create_stdlib_context", "ssl.CERT_NONE"),
            _mentions("ssl.CERT_OPTIONAL", "urllib3.disable_warnings"),
        ),
    ),
    "no-deadline": ("give it a `timeout`: nothing may wait for ever", _without_deadline),
    "redirects": (
        "say `allow_redirects=False`, and redirect nobody: credentials would follow, or a caller's host lead",
        _any(
            _following,
            _mentions("urllib.request", "urllib3.request", "urllib3.PoolManager", "http.cookiejar.CookieJar"),
            _mentions("flask.redirect", "werkzeug.utils.redirect"),
        ),
    ),
    "code-from-text": (
        "text is never run",
        _any(
            _says("shell", value=True),
            _mentions("eval", "exec", "compile", "os.system", "os.popen", "subprocess.getoutput"),
        ),
    ),
    "sleep": ("wait for something, or take a clock: a sleeping thread holds a caller", _mentions("time.sleep")),
    "callers-host": (
        "nothing is built from what a caller calls us",
        _any(_callers_name_for_us, _says("_external", value=True)),
    ),
}

EXCEPTIONS: Final[dict[tuple[str, str], str]] = {
    ("gateway/isales/doctor_tls.py", "tls-unverified"): "looks at a certificate that was refused, and sends nothing",
    ("gateway/isales/transport.py", "no-deadline"): "its sockets keep the deadline of the whole call",
    ("gateway/factory/clocks.py", "sleep"): "the clock that all others are given",
    ("gateway/isales/retry.py", "sleep"): "the default of what it is given",
    ("gateway/cli/reload.py", "sleep"): "waits for processes that tell nobody when they are ready",
    ("gateway/reload/signals.py", "sleep"): "the default of what it is given",
    ("gateway/cli/demo.py", "sleep"): "waits for a process that tells nobody when it is ready",
    ("gateway/api/proxies.py", "callers-host"): "overwrites it",
}
"""Where a rule does not hold, and why."""

OF_THE_SIMULATOR: Final = frozenset({"unsafe-loading", "code-from-text"})
"""The rules that hold for the simulator too, which is a server of its own that nobody's data is in."""


def findings(source: str, path: str) -> Iterator[Finding]:
    """Yield what `source`, the text of the module at `path`, breaks, whatever `EXCEPTIONS` say."""
    module = ast.parse(source)
    names = Names(module)
    for node in ast.walk(module):
        for rule, (_, broken) in RULES.items():
            if broken(node, names):
                line = getattr(node, "lineno", 0)
                yield Finding(path, line, rule)


def unexcused(project: Path = PROJECT) -> tuple[list[Finding], set[tuple[str, str]]]:
    """Return what the gateway's modules break, and the exceptions that nothing needs any more."""
    found: list[Finding] = []
    unused = set(EXCEPTIONS)
    for file in [project / "app.py", *sorted((project / "gateway").rglob("*.py"))]:
        path = file.relative_to(project).as_posix()
        for finding in findings(file.read_text(), path):
            unused.discard((path, finding.rule))
            simulated = path.startswith("gateway/simulator/") and finding.rule not in OF_THE_SIMULATOR
            if (path, finding.rule) not in EXCEPTIONS and not simulated:
                found.append(finding)
    return found, unused


def main(project: Path = PROJECT) -> int:
    """Print what is broken; return the exit code."""
    found, unused = unexcused(project)
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    for path, rule in sorted(unused):
        sys.stdout.write(f"{path}: nothing breaks {rule} there any more; delete the exception\n")
    return 1 if found or unused else 0


if __name__ == "__main__":
    sys.exit(main())
