"""The clients that openapi-python-client makes, and openapi-generator with the flags that the API document tells, work.

So do the examples of them.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.checks import GREATEST, SEEN, new_words
from tests.clients.examples import Client, Watched, made, watch
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


@pytest.fixture(scope="module")
def of_openapi_python_client(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Return the client of openapi-python-client; nothing of the document was left out of it."""
    return made("openapi-python-client", tmp_path_factory.mktemp("openapi-python-client"), mounted)


@pytest.fixture(scope="module")
def for_python(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Return the client in Python."""
    program("java", "openjdk-17-jre-headless")
    return made("openapi-generator for Python", tmp_path_factory.mktemp("python"), mounted)


@pytest.fixture(scope="module")
def for_go(mounted: Front, kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Return the client in Go, which needs nothing but Go's own library."""
    program("java", "openjdk-17-jre-headless")
    program("go", "golang-go")
    return made("openapi-generator for Go", tmp_path_factory.mktemp("go"), mounted, **go_variables(kept))


@pytest.fixture(scope="module")
def for_java(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Return the client in Java, compiled with our program; Jackson is that of the generator itself."""
    program("javac", "openjdk-17-jdk-headless")
    if not ANNOTATIONS.exists():
        leave_out(f"{ANNOTATIONS} is not there; on Debian: apt-get install libgeronimo-annotation-1.3-spec-java")
    folder = tmp_path_factory.mktemp("java")
    # README's command compiles all that is here, and so spares another start of the compiler.
    sources = folder / "made" / "src" / "main"
    sources.mkdir(parents=True)
    shutil.copy(PROGRAMS / "OpenapiGenerator.java", sources)
    return made("openapi-generator for Java", folder, mounted, CLASSPATH=f"{jar()}:{ANNOTATIONS}")


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
