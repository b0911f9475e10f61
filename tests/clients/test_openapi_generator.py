"""The clients that openapi-generator makes, with the flags that the API document tells, compile and work."""

from typing import Any

import pytest

from tests.clients.checks import GREATEST, SEEN, new_words
from tests.clients.front import API, Front
from tests.clients.tools import ANNOTATIONS, PROGRAMS, jar, openapi_generator, python, run, seen
from tests.support.programs import leave_out, program

UNHEARD_OF = "unknown_default_open_api"
"""What `enumUnknownDefaultCase` makes of a word that is new."""
OF_TYPED_CLIENTS = {"greatest_id": GREATEST, "new_words": new_words(UNHEARD_OF, UNHEARD_OF)}


@pytest.fixture(scope="module")
def in_python(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the client in Python saw."""
    folder = tmp_path_factory.mktemp("python")
    made = openapi_generator(mounted, "python", folder, "packageName=campaigns")
    return seen(python("openapi_generator.py"), folder, mounted, PYTHONPATH=str(made))


@pytest.fixture(scope="module")
def in_go(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the client in Go saw, which needs nothing but Go's own library."""
    go = program("go", "golang-go")
    folder = tmp_path_factory.mktemp("go")
    names = ("--git-host", "example.com", "--git-user-id", "openapi", "--git-repo-id", "campaigns")
    made = openapi_generator(mounted, "go", folder, "enumClassPrefix=true", "packageName=campaigns", options=names)
    (made / "program").mkdir()
    (made / "program" / "main.go").write_bytes((PROGRAMS / "openapi_generator.go").read_bytes())
    offline = {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    run([go, "build", "-o", folder / "seen", "./program"], made, **offline, GOPATH=str(folder / "path"))
    return seen([folder / "seen"], folder, mounted)


@pytest.fixture(scope="module")
def in_java(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the client in Java saw; Jackson is that of the generator itself."""
    javac, java = program("javac", "openjdk-17-jdk-headless"), program("java", "openjdk-17-jre-headless")
    if not ANNOTATIONS.exists():
        leave_out(f"{ANNOTATIONS} is not there; on Debian: apt-get install libgeronimo-annotation-1.3-spec-java")
    folder = tmp_path_factory.mktemp("java")
    flags = ("openApiNullable=false", "useSingleRequestParameter=true")
    names = ("invokerPackage=campaigns", "apiPackage=campaigns.api", "modelPackage=campaigns.model")
    made = openapi_generator(mounted, "java", folder, *flags, *names, options=("--library", "native"))
    path = f"{jar()}:{ANNOTATIONS}"
    sources = [*(made / "src" / "main").rglob("*.java"), PROGRAMS / "OpenapiGenerator.java"]
    run([javac, "-nowarn", "-proc:none", "-encoding", "UTF-8", "-cp", path, "-d", folder / "classes", *sources], folder)
    return seen([java, "-cp", f"{path}:{folder / 'classes'}", "OpenapiGenerator"], folder, mounted)


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
