"""`/console`: a page for people who look after campaigns, and the files that it is made of.

It is plain HTML, CSS and ES modules, sent as they are in `static/console`: no build step, so what is read here is what
runs. It asks the same endpoints as any other caller, with the key or token that its user gives it.

Its files are below a folder that has their hash for a name, so that browsers may keep them for good and never mix those
of two versions. Whatever the folder is called its files are sent, for while one process after the other is replaced a
page of one asks another for them.
"""

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import flask
from flask import Blueprint, Response

from gateway.api.document import HTML, document_response, way_up_here
from gateway.api.html import html_page
from gateway.api.language import Language, preferred_language
from gateway.api.representation import render
from gateway.model import RenderedPage

FOLDER: Final = Path(__file__).with_name("static") / "console"
PATH: Final = "/console"
YEAR_S: Final = 365 * 86_400

_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
_FIRST: Final = "early.js"
"""Runs before the page is painted; all other scripts are modules."""
_WORDS: Final = "words-"
"""How modules with the words of a language begin."""

START: Final = ("start.js", "gateway.js", "credentials.js", "clock.js", "words.js")
"""The module that runs as soon as it is there, and those that it needs: browsers ask for few files at a time."""


def console_blueprint() -> Blueprint:
    """Return `/console` and its files."""
    blueprint = Blueprint("console", __name__, template_folder="templates")
    files = _files()
    version = _version(files)
    later = {name for name in files if name.endswith(".js") and not name.startswith(_WORDS)} - {_FIRST, *START}

    # Of two slashes at the end and two languages.
    @functools.lru_cache(maxsize=8)
    def page(up: str, language: Language) -> RenderedPage:
        folder = f"{up}console/{version}/"
        # The words, which a module asks for, would come last of all.
        needed = [f"{_WORDS}{language.partition('-')[0]}.js", *START, *sorted(later)]
        return render(html_page("console.html", up=up, language=language, folder=folder, modules=needed))

    @blueprint.get(PATH)
    @blueprint.get(f"{PATH}/")
    def console() -> Response:
        language = preferred_language(flask.request.headers.get("Accept-Language"))
        response = document_response(page(way_up_here(), language), HTML, max_age_s=0, vary="Accept-Language")
        response.headers["Content-Language"] = str(language)
        return response

    @blueprint.get(f"{PATH}/<folder>/<name>")
    def file(folder: str, name: str) -> Response:
        if name not in files:
            flask.abort(404)
        kept_s = YEAR_S if folder == version else 0
        response = document_response(_rendered(name), _MEDIA_TYPES[Path(name).suffix], max_age_s=kept_s)
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return blueprint


# Once for all apps of a process: a reload changes no file.
@functools.cache
def _files() -> Mapping[str, bytes]:
    """Return what is in the files, by their names."""
    found = [path for path in sorted(FOLDER.iterdir()) if path.suffix in _MEDIA_TYPES]
    return MappingProxyType({path.name: path.read_bytes() for path in found})


# Each when it is asked for: to pack all of them is a thirtieth of a start.
@functools.cache
def _rendered(name: str) -> RenderedPage:
    return render(_files()[name])


def _version(files: Mapping[str, bytes]) -> str:
    """Return a name for exactly these files."""
    digest = hashlib.sha256()
    for name, body in files.items():
        digest.update(b"%d %s %d " % (len(name), name.encode(), len(body)) + body)
    return digest.hexdigest()[:16]
