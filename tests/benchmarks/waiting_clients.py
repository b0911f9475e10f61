"""Programs that ask once with one HTTP client each, as it is out of the box, and print how that ended and when.

Each takes a URL, a tag for `If-None-Match`, and a value for `Prefer`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PYTHON: Final = """
import sys, time
url, tag, wait = sys.argv[1:]
headers = {{"If-None-Match": tag, "Prefer": wait}}
{ask}
began = time.monotonic()
try:
    said = str(ask())
except Exception as fault:
    said = type(fault).__name__
print(f"{{said}} after {{time.monotonic() - began:.0f}} s")
"""
_NODE: Final = """
{imports}
const [url, tag, wait] = process.argv.slice(2);
const headers = {{ "If-None-Match": tag, Prefer: wait }};
const began = performance.now();
let said;
try {{
  said = await {ask};
}} catch (fault) {{
  said = fault.cause?.code ?? fault.code ?? fault.name;
}}
console.log(`${{said}} after ${{((performance.now() - began) / 1000).toFixed(0)}} s`);
"""
_JAVA: Final = """
import java.net.URI;
import java.net.http.*;
public class Wait {
    public static void main(String[] args) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(args[0]))
            .header("If-None-Match", args[1]).header("Prefer", args[2]).build();
        long began = System.nanoTime();
        String said;
        try {
            said = "" + HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        } catch (java.io.IOException fault) {
            said = fault.getClass().getSimpleName();
        }
        System.out.printf("%s after %.0f s%n", said, (System.nanoTime() - began) / 1e9);
    }
}
"""
_GO: Final = """
package main
import ("fmt"; "net/http"; "os"; "time")
func main() {
	request, _ := http.NewRequest("GET", os.Args[1], nil)
	request.Header.Set("If-None-Match", os.Args[2])
	request.Header.Set("Prefer", os.Args[3])
	began := time.Now()
	answer, err := http.DefaultClient.Do(request)
	said := fmt.Sprint(err)
	if err == nil { said = fmt.Sprint(answer.StatusCode) }
	fmt.Printf("%s after %.0f s\\n", said, time.Since(began).Seconds())
}
"""
_AIOHTTP: Final = """
import asyncio, aiohttp
async def get():
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status
def ask(): return asyncio.run(get())
"""
_ASKED: Final = "('GET', url, headers=headers).status"
_PYTHONS: Final[Mapping[str, tuple[str, str]]] = {
    "requests": ("requests", "import requests\ndef ask(): return requests.get(url, headers=headers).status_code"),
    "httpx": ("httpx", "import httpx\ndef ask(): return httpx.get(url, headers=headers).status_code"),
    "aiohttp": ("aiohttp", _AIOHTTP),
    "urllib3.request": ("urllib3", f"import urllib3\ndef ask(): return urllib3.request{_ASKED}"),
    "urllib3": ("urllib3", f"import urllib3\ndef ask(): return urllib3.PoolManager().request{_ASKED}"),
}
_NODES: Final[Mapping[str, tuple[str, str]]] = {
    "fetch": ("", "fetch(url, { headers }).then((answer) => answer.status)"),
    "got": ("got", "got(url, { headers, throwHttpErrors: false }).then((answer) => answer.statusCode)"),
    "axios": ("axios", "axios.get(url, { headers, validateStatus: null }).then((answer) => answer.status)"),
}
CLIENTS: Final = (*_PYTHONS, *_NODES, "java", "go")


@dataclass(frozen=True, slots=True)
class Run:
    """How a program is run."""

    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]


def prepared(name: str, folder: Path) -> Run | None:
    """Put the program of one of `CLIENTS` into `folder`, with what it needs; `None` where its language is not here."""
    if name in _PYTHONS:
        package, ask = _PYTHONS[name]
        _done(folder, sys.executable, "-m", "pip", "install", "--quiet", "--target", "packages", package)
        (folder / "ask.py").write_text(_PYTHON.format(ask=ask), encoding="utf-8")
        return Run((sys.executable, "ask.py"), folder, {**os.environ, "PYTHONPATH": str(folder / "packages")})
    program = shutil.which("node" if name in _NODES else name)
    if program is None:
        return None
    if name in _NODES:
        package, ask = _NODES[name]
        if package:
            _done(folder, "npm", "install", "--silent", "--no-fund", "--no-audit", package)
        imports = f'import {package} from "{package}";' if package else ""
        (folder / "ask.mjs").write_text(_NODE.format(imports=imports, ask=ask), encoding="utf-8")
        return Run((program, "ask.mjs"), folder, os.environ)
    if name == "java":
        (folder / "Wait.java").write_text(_JAVA, encoding="utf-8")
        return Run((program, "Wait.java"), folder, os.environ)
    (folder / "wait.go").write_text(_GO, encoding="utf-8")
    environment = {**os.environ, "GOCACHE": str(folder / "cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    _done(folder, program, "build", "-o", "wait", "wait.go", environment=environment)
    return Run((str(folder / "wait"),), folder, environment)


def _done(folder: Path, *command: str, environment: Mapping[str, str] | None = None) -> None:
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=300)
