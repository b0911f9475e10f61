"""The clients that openapi-python-client makes, and openapi-generator with the flags that the API document tells, work.

So do the examples of them.
"""

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.checks import GREATEST, SEEN, new_words
from tests.clients.examples import Client, Watched, commands, made, watch
from tests.clients.front import API, Front
from tests.clients.tools import ANNOTATIONS, PROGRAMS, go_variables, jar, python, run, seen
from tests.support.programs import leave_out, program

UNHEARD_OF = "unknown_default_open_api"
"""What `enumUnknownDefaultCase` makes of a word that is new."""
OF_TYPED_CLIENTS = {"greatest_id": GREATEST, "new_words": new_words(UNHEARD_OF, UNHEARD_OF)}
CLIENTS = {
    "openapi-python-client": "of_openapi_python_client",
    "openapi-generator for Python": "for_python",
    "openapi-generator for Go": "for_go",
    "openapi-generator for Java": "for_java",
}
"""The fixtures that make them."""
GENERATOR = "openapi-generator-cli"
"""What README calls. To start Java anew for each client would be most of the work."""


@pytest.fixture(scope="module")
def of_openapi_python_client(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Return the client of openapi-python-client; nothing of the document was left out of it."""
    return made("openapi-python-client", tmp_path_factory.mktemp("openapi-python-client"), mounted)


@pytest.fixture(scope="module")
def generated(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return folders, by client, in which README's commands for openapi-generator have been run, in one process."""
    program("javac", "openjdk-17-jdk-headless")
    folders = {
        name: tmp_path_factory.mktemp(CLIENTS[name]) for name in CLIENTS if name.startswith("openapi-generator ")
    }
    words: list[str | Path] = []
    for name, folder in folders.items():
        (command,) = [each for each in commands(name, mounted) if each.startswith(f"{GENERATOR} ")]
        _, *arguments = shlex.split(command)
        arguments[arguments.index("-o") + 1] = str(folder / "made")
        words += [*arguments, ";"]
    run([program("java", "openjdk-17-jdk-headless"), "-cp", jar(), PROGRAMS / "Generate.java", *words], folder)
    return folders


@pytest.fixture(scope="module")
def for_python(generated: dict[str, Path], mounted: Front) -> Client:
    """Return the client in Python."""
    name = "openapi-generator for Python"
    return made(name, generated[name], mounted, leave=GENERATOR)


@pytest.fixture(scope="module")
def for_go(generated: dict[str, Path], mounted: Front, kept: Path) -> Client:
    """Return the client in Go, which needs nothing but Go's own library."""
    program("go", "golang-go")
    name = "openapi-generator for Go"
    return made(name, generated[name], mounted, leave=GENERATOR, **go_variables(kept))


@pytest.fixture(scope="module")
def for_java(generated: dict[str, Path], mounted: Front) -> Client:
    """Return the client in Java, compiled with our program; Jackson is that of the generator itself."""
    if not ANNOTATIONS.exists():
        leave_out(f"{ANNOTATIONS} is not there; on Debian: apt-get install libgeronimo-annotation-1.3-spec-java")
    name = "openapi-generator for Java"
    # README's command compiles all that is here, and so spares another start of the compiler.
    shutil.copy(PROGRAMS / "OpenapiGenerator.java", generated[name] / "made" / "src" / "main")
    return made(name, generated[name], mounted, leave=GENERATOR, CLASSPATH=f"{jar()}:{ANNOTATIONS}")


@pytest.fixture(scope="module")
def in_openapi_python_client(of_openapi_python_client: Client, mounted: Front) -> dict[str, Any]:
    """Return what the client of openapi-python-client saw."""
    folder = of_openapi_python_client.folder
    return seen(python("openapi_python_client.py"), folder, mounted, PYTHONPATH=str(folder))


@pytest.fixture(scope="module")
def in_python(for_python: Client, mounted: Front) -> dict[str, Any]:
    """Return what the client in Python saw."""
    folder = for_python.folder
    return seen(python("openapi_generator.py"), folder, mounted, PYTHONPATH=str(folder / "made"))


@pytest.fixture(scope="module")
def in_go(for_go: Client, mounted: Front) -> dict[str, Any]:
    """Return what the client in Go saw."""
    go, folder = program("go", "golang-go"), for_go.folder
    (folder / "made" / "program").mkdir()
    shutil.copy(PROGRAMS / "openapi_generator.go", folder / "made" / "program" / "main.go")
    run([go, "build", "-o", folder / "seen", "./program"], folder / "made", **for_go.variables)
    return seen([folder / "seen"], folder, mounted)


@pytest.fixture(scope="module")
def in_java(for_java: Client, mounted: Front) -> dict[str, Any]:
    """Return what the client in Java saw."""
    java, path = program("java", "openjdk-17-jre-headless"), f"classes:{for_java.variables['CLASSPATH']}"
    return seen([java, "OpenapiGenerator"], for_java.folder, mounted, CLASSPATH=path)


@pytest.mark.parametrize("check", [*SEEN, "greatest_id"])
def test_openapi_python_client(in_openapi_python_client: dict[str, Any], check: str) -> None:
    """The client of openapi-python-client sees all but words that are new, which it refuses whatever is set."""
    assert in_openapi_python_client[check] == {**SEEN, **OF_TYPED_CLIENTS}[check]


@pytest.mark.parametrize("check", [*SEEN, "greatest_id"])
def test_python(in_python: dict[str, Any], check: str) -> None:
    """The client in Python sees all but words that are new, which it refuses whatever is set."""
    assert in_python[check] == {**SEEN, **OF_TYPED_CLIENTS}[check]


@pytest.mark.parametrize("check", [*SEEN, *OF_TYPED_CLIENTS])
def test_go(in_go: dict[str, Any], check: str) -> None:
    """The client in Go compiles and sees all, new words too."""
    assert in_go[check] == {**SEEN, **OF_TYPED_CLIENTS}[check]


@pytest.mark.parametrize("check", [*SEEN, *OF_TYPED_CLIENTS])
def test_java(in_java: dict[str, Any], check: str) -> None:
    """The client in Java compiles and sees all, new words too."""
    assert in_java[check] == {**SEEN, **OF_TYPED_CLIENTS}[check]


@pytest.mark.parametrize("client", ["in_python", "in_go", "in_java"])
def test_the_server_is_found_under_its_prefix(client: str, mounted: Front, request: pytest.FixtureRequest) -> None:
    """Who has told the generator where the document is need not tell the client where the gateway is."""
    assert request.getfixturevalue(client)["default_url"] == f"{mounted.url}{API}"


@pytest.mark.parametrize("client", CLIENTS.values())
def test_the_example(client: str, mounted: Front, watched: Watched, request: pytest.FixtureRequest) -> None:
    """Each example lists campaigns, follows changes and heeds refusals as the README of `deploy/clients` says."""
    watch(request.getfixturevalue(client), mounted, watched)
