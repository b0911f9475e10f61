"""Which process is the main one of a server, as its workers find out."""

import multiprocessing
import os
import subprocess
import sys

import pytest

from gateway.main_process import main_process
from tests.support.gateway import PROJECT

FORKED = """
import ctypes, os, sys
from gateway.main_process import main_process
told, tell = os.pipe()
main = os.getpid()
if os.fork() == 0:
    if "named" in sys.argv:
        ctypes.CDLL(None).prctl(15, b"worker) 1 2 3", 0, 0, 0)
    os.write(tell, str(main_process() == main).encode())
    os._exit(0)
os.wait()
print(os.read(told, 9).decode(), main_process())
"""


@pytest.mark.parametrize("args", [(), ("named",)])
def test_a_process_that_was_forked_is_a_worker_of_its_parent(args: tuple[str, ...]) -> None:
    """As under gunicorn and uWSGI, whatever such a worker calls itself; who was started by another program is none."""
    command = [sys.executable, "-c", FORKED, *args]
    said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "None"]


def test_a_process_of_multiprocessing_is_a_worker_too() -> None:
    """As under granian, where it is a program of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as server:
        assert server.apply(main_process) == os.getpid()
