"""The same request in the languages of callers, made from an operation of the OpenAPI document.

Each sample is a whole program: it asks, prints the status and the body, and fails where the gateway does not answer
with 2xx or 3xx. They are run by `tests/clients/test_samples.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

GATEWAY: Final = "https://gateway.example"
"""Stands for where the gateway is. The script of the page puts the real address there."""
KEY_VARIABLE: Final = "API_KEY"
TIMEOUT_S: Final = 10
"""How long a sample waits: longer than the gateway does for CC-iSales, and httpx gives up after five by itself."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A program in a language: `name` for people, `word` for programs, and the text."""

    name: str
    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a sample sends: a method, a whole URL, and the key of a client if `with_key`."""

    method: str
    url: str
    with_key: bool


def samples(method: str, path: str, parameters: list[dict[str, Any]], *, with_key: bool) -> list[Sample]:
    """Return the program in each language that sends this request, with the key of `API_KEY` where one is needed.

    `parameters` are those of the query and the path, each with its schema. The path's and those that are required have
    the value of their example, as has one more, to show how it is done: the first word to choose, or else the first.
    """
    request = Request(method, f"{GATEWAY}{_filled(path, parameters)}", with_key)
    return [Sample(name, word, make(request)) for name, word, make in LANGUAGES]


def _filled(path: str, parameters: list[dict[str, Any]]) -> str:
    for parameter in (each for each in parameters if each["in"] == "path"):
        path = path.replace(f"{{{parameter['name']}}}", quote(str(parameter["example"]), safe=""))
    query = [each for each in parameters if each["in"] == "query"]
    shown = [each for each in query if each["required"]]
    if query and not shown:
        shown = [next((each for each in query if "enum" in each["schema"]), query[0])]
    values: Mapping[str, Any] = {each["name"]: each["example"] for each in shown}
    return f"{path}?{urlencode(values)}" if values else path


def _curl(sent: Request) -> str:
    asked = "" if sent.method == "GET" else f" -X {sent.method}"
    key = f'\n  -H "X-API-Key: ${KEY_VARIABLE}" \\' if sent.with_key else ""
    return f"curl --fail-with-body --compressed --max-time {TIMEOUT_S}{asked} \\{key}\n  '{sent.url}'"


def _python(sent: Request) -> str:
    imports = "from os import environ\n\nimport requests" if sent.with_key else "import requests"
    headers = f'\n    headers={{"X-API-Key": environ["{KEY_VARIABLE}"]}},' if sent.with_key else ""
    return f"""\
{imports}

answer = requests.{sent.method.lower()}(
    "{sent.url}",{headers}
    timeout={TIMEOUT_S},
)
print(answer.status_code, answer.text)
answer.raise_for_status()"""


def _javascript(sent: Request) -> str:
    asked = "" if sent.method == "GET" else f'\n  method: "{sent.method}",'
    headers = f'\n  headers: {{ "X-API-Key": process.env.{KEY_VARIABLE} }},' if sent.with_key else ""
    return f"""\
const answer = await fetch("{sent.url}", {{{asked}{headers}
  signal: AbortSignal.timeout({TIMEOUT_S}_000),
}});
console.log(answer.status, await answer.text());
if (!answer.ok) process.exitCode = 1;"""


def _java(sent: Request) -> str:
    key = f'\n        .header("X-API-Key", System.getenv("{KEY_VARIABLE}"))' if sent.with_key else ""
    return f"""\
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

class Sample {{
  public static void main(String[] arguments) throws Exception {{
    var request = HttpRequest.newBuilder(URI.create("{sent.url}")){key}
        .timeout(Duration.ofSeconds({TIMEOUT_S}))
        .{sent.method}()
        .build();
    var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
    System.out.println(answer.statusCode() + " " + answer.body());
    if (answer.statusCode() >= 400) System.exit(1);
  }}
}}"""


def _go(sent: Request) -> str:
    key = f'\n\trequest.Header.Set("X-API-Key", os.Getenv("{KEY_VARIABLE}"))' if sent.with_key else ""
    return f"""\
package main

import (
\t"fmt"
\t"io"
\t"log"
\t"net/http"
\t"os"
\t"time"
)

func main() {{
\trequest, err := http.NewRequest("{sent.method}", "{sent.url}", nil)
\tif err != nil {{
\t\tlog.Fatal(err)
\t}}{key}
\tclient := http.Client{{Timeout: {TIMEOUT_S} * time.Second}}
\tanswer, err := client.Do(request)
\tif err != nil {{
\t\tlog.Fatal(err)
\t}}
\tdefer answer.Body.Close()
\tbody, err := io.ReadAll(answer.Body)
\tif err != nil {{
\t\tlog.Fatal(err)
\t}}
\tfmt.Println(answer.StatusCode, string(body))
\tif answer.StatusCode >= 400 {{
\t\tos.Exit(1)
\t}}
}}"""


LANGUAGES: Final[tuple[tuple[str, str, Callable[[Request], str]], ...]] = (
    ("curl", "curl", _curl),
    ("Python", "python", _python),
    ("JavaScript", "javascript", _javascript),
    ("Java", "java", _java),
    ("Go", "go", _go),
)
