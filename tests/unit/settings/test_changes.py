"""What changed between two settings, as the log tells it."""

from pathlib import Path

from gateway.settings import Settings, changed_settings, load_settings
from tests.unit.settings.project import HASHED, MINIMAL, own_file

SECRET = "Geheimnis"


def test_changes_are_named_and_not_shown(root: Path, tmp_path: Path) -> None:
    """Settings by section and name, tenants by VDN, clients by name, those that come and go too; no value."""

    def loaded(**variables: str) -> Settings:
        environ = {f"GATEWAY__{name}": value for name, value in variables.items()}
        return load_settings({"GATEWAY_CONFIG": own_file(tmp_path, MINIMAL), **environ}, root)

    before = loaded()
    assert changed_settings(before, loaded()) == []
    after = loaded(
        ISALES__CONCURRENCY="3",
        TENANTS__0__SECRET_KEY=SECRET,
        TENANTS__1='{vdn = 8, access_key = "B", secret_key = "C"}',
        CLIENTS__0__NAME="app",
        CACHE__SHARED_URL=f"redis://:{SECRET}@localhost/0",
        LOG__LEVEL="debug",
    )
    changed = changed_settings(before, after)
    assert changed == [
        "isales.concurrency",
        "tenants.7",
        "tenants.8",
        "cache.shared_url",
        "clients.web",
        "clients.app",
        "log.level",
    ]
    assert changed_settings(after, before) != []
    assert not any(SECRET in name or HASHED in name for name in changed)
