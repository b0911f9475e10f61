"""Runs inside the machine of tests/support/machine.py, where systemd is process 1, and writes down what it saw.

It needs nothing but Python. Each step is a function; what they return is the report, one JSON object.
"""

import hashlib
import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

UNIT = "campaign-gateway.service"
SETTINGS = Path("/etc/campaign-gateway/gateway.toml")
VARIABLES = Path("/etc/campaign-gateway/environment")
PORT = 8080
LIMIT_S = 60.0
STEPS: list[Callable[[], Any]] = []


def step(function: Callable[[], Any]) -> Callable[[], Any]:
    """Have a function called, in the order in which they stand here."""
    STEPS.append(function)
    return function


def systemctl(*words: str) -> dict[str, Any]:
    """Run systemctl; return its exit code and what it said."""
    result = subprocess.run(["systemctl", *words], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return {"code": result.returncode, "said": result.stdout.strip() + result.stderr.strip()}


def show(name: str) -> str:
    """Return one property of the gateway's unit."""
    said: str = systemctl("show", "--property", name, "--value", UNIT)["said"]
    return said


def ask(path: str, port: int = PORT, key: str = "web-key") -> int:
    """Return the status of an answer of the gateway, 0 for none.

    Where the connection is dropped it asks once more, as clients may (RFC 9110, section 9.2.2): a worker that ends
    drops those that it has taken and not read from yet.
    """
    for _ in range(2):
        connection = HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        try:
            connection.request("GET", path, headers={"X-API-Key": key})
            answer = connection.getresponse()
            answer.read()
        except (ConnectionResetError, BrokenPipeError):
            continue
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()
        return answer.status
    return 0


def processes() -> list[int]:
    """Return the process ids of the gateway: granian, and its workers."""
    group = Path(f"/sys/fs/cgroup{show('ControlGroup')}/cgroup.procs")
    return sorted(int(line) for line in group.read_text().split())


def wait_until(condition: Callable[[], bool]) -> bool:
    """Return whether `condition` came true in time."""
    give_up = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


@step
def verified() -> dict[str, Any]:
    """Let systemd look at the units, here where all that they name exists."""
    units = sorted(str(unit) for unit in Path("/etc/systemd/system").glob("campaign-gateway*.*") if unit.is_file())
    command = ["systemd-analyze", "verify", "--man=no", *units]
    result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return {"units": len(units), "code": result.returncode, "said": result.stdout + result.stderr}


@step
def tuned() -> dict[str, Any]:
    """Set what the kernel is to do, as the start of a machine does."""
    result = subprocess.run(
        ["/lib/systemd/systemd-sysctl", "60-campaign-gateway.conf"], capture_output=True, text=True, check=False
    )
    value = Path("/proc/sys/net/ipv4/tcp_migrate_req").read_text().strip()
    return {"code": result.returncode, "said": result.stderr, "tcp_migrate_req": value}


@step
def started() -> dict[str, Any]:
    """Start it: started means that it answers. Look at what it may do."""
    result = systemctl("start", UNIT)
    worker = max(processes())
    status = dict(line.split(":", 1) for line in Path(f"/proc/{worker}/status").read_text().splitlines())
    mounts = [line.split() for line in Path(f"/proc/{worker}/mountinfo").read_text().splitlines()]
    return {
        "start": result,
        "healthz": ask("/healthz"),
        "campaigns": ask("/campaigns"),
        "user": int(status["Uid"].split()[0]),
        "capabilities": status["CapEff"].strip() + status["CapBnd"].strip(),
        "no_new_privileges": status["NoNewPrivs"].strip(),
        "seccomp": status["Seccomp"].strip(),
        "root_is_read_only": [mount[5].split(",")[0] for mount in mounts if mount[4] == "/"] == ["ro"],
        "timer": systemctl("is-active", "campaign-gateway-health.timer")["said"],
        "batch": os.sched_getscheduler(worker) == os.SCHED_BATCH,
        # The interval is short here on purpose, so that the old worker has to wait for the new one by itself.
        "warnings": [
            line
            for line in written()
            if ('"warning"' in line or "metrics_of_one_worker" in line) and "respawn_interval_short" not in line
        ],
    }


@step
def secrets() -> dict[str, Any]:
    """Look at who can read them."""
    folder = Path("/run/credentials") / UNIT
    return {
        "names": sorted(file.name for file in folder.iterdir()),
        "folder": oct(folder.stat().st_mode & 0o777),
        "owner_is_user": folder.stat().st_uid == Path(f"/proc/{max(processes())}").stat().st_uid,
        "in_environment": b"secret" in Path(f"/proc/{max(processes())}/environ").read_bytes(),
    }


@step
def commanded() -> dict[str, Any]:
    """Run a command as an operator does, as root and with the settings and secrets of the service."""
    variables = {**os.environ, "GATEWAY_ENV": "production", "GATEWAY_CONFIG": str(SETTINGS)}
    command = [".venv/bin/flask", "isales", "doctor"]
    folder = "/opt/campaign-gateway"
    result = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    return {"code": result.returncode, "said": result.stdout + result.stderr}


@step
def faulty_reload() -> dict[str, Any]:
    """Reload with faulty settings."""
    good, before = SETTINGS.read_text(), processes()
    SETTINGS.write_text(f"{good}\n[nonsense]\n")
    try:
        return {
            "reload": systemctl("reload", UNIT),
            "same_processes": processes() == before,
            "healthz": ask("/healthz"),
        }
    finally:
        SETTINGS.write_text(good)


@contextmanager
def callers() -> Iterator[Counter[int]]:
    """Ask all the time, on a new connection each; count the statuses of the answers, 0 for none."""
    statuses: Counter[int] = Counter()
    over = threading.Event()

    def load() -> None:
        while not over.wait(0.03):
            statuses[ask("/campaigns")] += 1

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        over.set()
        for thread in threads:
            thread.join()


@step
def reloaded() -> dict[str, Any]:
    """Reload with one client more, while callers ask all the time."""
    key_sha256 = hashlib.sha256(b"new-key").hexdigest()
    SETTINGS.write_text(f'{SETTINGS.read_text()}\n[[clients]]\nname = "new"\nkey_sha256 = "{key_sha256}"\nvdns = [1]\n')
    refused, before = ask("/campaigns", key="new-key"), processes()
    with callers() as statuses:
        result = systemctl("reload", UNIT)
    return {
        "reload": result,
        "same_processes": processes() == before,
        "new_client": [refused, ask("/campaigns", key="new-key")],
        "answers": list(statuses),
    }


@step
def renewed() -> dict[str, Any]:
    """Have granian replace its worker, as for new code, while callers ask all the time."""
    granian, worker = processes()
    with callers() as statuses:
        result = systemctl("kill", "--kill-whom=main", "--signal=HUP", UNIT)
        done = wait_until(lambda: worker not in processes() and len(processes()) == 2)
    return {
        "kill": result,
        "another_worker": done,
        "same_granian": granian in processes(),
        "answers": list(statuses),
    }


@step
def looked_at_while_healthy() -> dict[str, Any]:
    """Take the look that the timer takes at a gateway that answers."""
    before = processes()
    return {"look": systemctl("start", "campaign-gateway-health.service"), "same_processes": processes() == before}


@step
def looked_at_while_silent() -> dict[str, Any]:
    """Take it at a gateway that does not answer: it is looked for where it does not listen."""
    before = processes()
    VARIABLES.write_text(f"{VARIABLES.read_text()}GRANIAN_PORT={PORT + 1}\n")
    look = systemctl("start", "campaign-gateway-health.service")
    return {
        "look": look,
        # Right after the kill it may still pass for active, until systemd has heard of it.
        "active_again": wait_until(lambda: show("NRestarts") != "0" and show("ActiveState") == "active"),
        "healthz": ask("/healthz", PORT + 1),
        "others": not set(before) & set(processes()),
        "restarts": show("NRestarts"),
    }


@step
def stopped() -> dict[str, Any]:
    """Stop it."""
    result = systemctl("stop", UNIT)
    return {
        "stop": result,
        "result": show("Result"),
        "status": show("ExecMainStatus"),
        "state": show("ActiveState"),
        "timer": systemctl("is-active", "campaign-gateway-health.timer")["said"],
    }


@step
def port_in_use() -> dict[str, Any]:
    """Start it on a port that somebody has."""
    VARIABLES.write_text("GRANIAN_PORT=8090\n")
    result = systemctl("start", UNIT)
    said = [line for line in written() if "in use" in line]
    systemctl("stop", UNIT)
    return {"start": result, "said": bool(said)}


@step
def restarted() -> dict[str, Any]:
    """Have systemd hold the listener, as deploy/README.md says, and restart it while callers ask all the time."""
    VARIABLES.write_text("")
    command = ["/bin/sh", "-e", "/listener.sh"]
    result = subprocess.run(
        command, cwd="/opt/campaign-gateway", capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    before = processes()
    with callers() as statuses:
        restart = systemctl("restart", UNIT)
    return {
        "installed": {"code": result.returncode, "said": result.stdout + result.stderr},
        "restart": restart,
        "others": not set(before) & set(processes()),
        "answers": list(statuses),
        "stop": systemctl("stop", "campaign-gateway.socket"),
        "state": show("ActiveState"),
    }


def written() -> list[str]:
    """Return what the gateway wrote."""
    return Path("/gateway.log").read_text(errors="replace").splitlines()


def main() -> None:
    """Take all steps; write the report whatever happens, and end the machine."""
    report: dict[str, Any] = {}
    try:
        for function in STEPS:
            began = time.monotonic()
            report[function.__name__] = function()
            report[function.__name__]["seconds"] = round(time.monotonic() - began, 1)
    except Exception as error:  # noqa: BLE001 -- the host says it
        report["error"] = f"{function.__name__}: {type(error).__name__}: {error}"
    report["log"] = written()
    Path("/report.json").write_text(json.dumps(report))
    subprocess.run(["systemctl", "--force", "exit"], check=False)


if __name__ == "__main__":
    main()
