"""The rules of the house: who may import whom."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@cache
def modules() -> dict[str, set[str]]:
    """Return each module of the gateway with everything that it imports, as dotted names."""
    found: dict[str, set[str]] = {}
    for path in [PROJECT / "app.py", *sorted((PROJECT / "gateway").rglob("*.py"))]:
        name = ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        imported: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}: imports are absolute"
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
        found[name] = imported
    return found


def below(name: str, package: str) -> bool:
    """Tell whether `name` is `package` or in it."""
    return name == package or name.startswith(f"{package}.")


def importers(package: str) -> set[str]:
    """Return the modules outside `package` that import something of it."""
    return {
        name
        for name, imported in modules().items()
        if not below(name, package) and any(below(other, package) for other in imported)
    }


def test_the_rules_see_the_whole_house() -> None:
    """The modules that the rules speak of exist, so that no rule holds for want of a subject."""
    for package in ("api", "access", "pages", "isales", "shared_store", "settings", "telemetry", "simulator", "cli"):
        assert any(name.startswith(f"gateway.{package}.") for name in modules())
    assert "gateway.api.campaigns" in importers("gateway.model")


@pytest.mark.parametrize("package", ["api", "pages", "isales"])
def test_the_three_parts_meet_in_the_factory_only(package: str) -> None:
    """Callers' side, pages and vendor's side do not know each other."""
    others = {"gateway.api", "gateway.pages", "gateway.isales"} - {f"gateway.{package}"}
    strangers = {name for name in importers(f"gateway.{package}") if any(below(name, other) for other in others)}
    assert strangers == set()


def test_whole_results_know_pages_by_the_shared_words_only() -> None:
    """What reads several pages is handed how to get one: it knows none of the three parts."""
    known = set().union(*(imported for name, imported in modules().items() if below(name, "gateway.results")))
    assert "gateway.model.CampaignQuery" in known
    assert not any(below(name, f"gateway.{part}") for name in known for part in ("api", "pages", "isales", "factory"))


def test_the_shared_store_belongs_to_nobody() -> None:
    """Pages use it, and so does the call budget, which knows it by a protocol only; it knows neither of them."""
    known = set().union(*(imported for name, imported in modules().items() if below(name, "gateway.shared_store")))
    assert not any(below(name, f"gateway.{part}") for name in known for part in ("api", "pages", "isales"))
    users = importers("gateway.shared_store")
    outside = {user for user in users if not below(user, "gateway.pages")}
    assert outside
    doctor = {
        "gateway.cli.cache",
        "gateway.cli.doctor_shared",
        "gateway.cli.doctor_shared_fitness",
        "gateway.cli.doctor_shared_hints",
    }
    assert all(below(user, "gateway.factory") or user in doctor for user in outside)


@pytest.mark.parametrize("module", ["gateway.model", "gateway.errors"])
def test_the_shared_words_need_the_standard_library_only(module: str) -> None:
    """Model and errors import nothing that is installed, and nothing of the gateway."""
    assert {name.partition(".")[0] for name in modules()[module]} <= sys.stdlib_module_names


def test_the_simulator_and_the_gateway_share_nothing() -> None:
    """The simulator imports nothing of the gateway, and only commands import the simulator."""
    for name, imported in modules().items():
        if below(name, "gateway.simulator"):
            outside = {other for other in imported if below(other, "gateway")} - {
                other for other in imported if below(other, "gateway.simulator")
            }
            assert outside == set(), name
    assert all(below(name, "gateway.cli") for name in importers("gateway.simulator"))


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("flask", ("gateway.api", "gateway.factory", "gateway.cli", "gateway.simulator")),
        ("flask_caching", ("gateway.pages.memory", "gateway.shared_store.backend", "gateway.factory")),
        ("redis", ("gateway.shared_store", "gateway.pages", "gateway.cli.doctor_shared")),
        ("limits", ("gateway.access", "gateway.shared_store.windows")),
        ("requests", ("gateway.isales.transport", "gateway.isales.transport_connection", "gateway.factory")),
        ("urllib3", ("gateway.isales.transport", "gateway.isales.transport_connection")),
        ("prometheus_client", ("gateway.telemetry", "gateway.api.health")),
    ],
)
def test_libraries_stay_in_their_places(library: str, places: tuple[str, ...]) -> None:
    """Each library is known to few, so that it can be changed for another one."""
    found = importers(library)
    assert found, f"nobody imports {library}"
    assert {name for name in found if not any(below(name, place) for place in places)} == set()


def test_the_front_is_looked_at_from_outside() -> None:
    """Its doctor is a caller: nothing that serves knows it, and it knows no part but the words of the other doctor."""
    assert importers("gateway.front") == {"gateway.cli.front", "gateway.cli.watch"}
    known = set().union(*(imported for name, imported in modules().items() if below(name, "gateway.front")))
    own = {name for name in known if below(name, "gateway") and not below(name, "gateway.front")}
    assert {name.rpartition(".")[0] for name in own} == {"gateway.isales.doctor_step"}


def test_only_the_app_knows_the_factory() -> None:
    """Nothing that the factory puts together reaches back into it."""
    assert importers("gateway.factory") == {"app"}


def test_the_environment_is_read_where_settings_are_loaded() -> None:
    """Only entry points hand the environment to the settings; nothing else looks at it."""
    sources = {name: PROJECT / (name.replace(".", "/") + ".py") for name in modules()}
    packages = {name: PROJECT / name.replace(".", "/") / "__init__.py" for name in modules()}
    readers = {
        name
        for name in modules()
        if re.search(r"os\.(environ|getenv)", (sources[name] if sources[name].exists() else packages[name]).read_text())
    }
    assert readers == {"app", "gateway.factory", "gateway.cli.config", "gateway.cli.demo", "gateway.cli.front"}
