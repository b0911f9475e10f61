"""The parts of answers that no marshmallow schema writes: enumerations, health, and the pages behind problems."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.api.export_forms import CsvDialect, ExportFormat
from gateway.api.public import Credential
from gateway.api.query import DEVICE_TYPES, STATUSES
from gateway.errors import leaves
from gateway.model import CampaignStatus, DeviceType, OthersHear

_GROWS: Final = "More words may come: take one that you do not know for"
"""What is told of every enumeration of answers, so that nobody builds on its being complete."""


def _words(words: list[str], description: str) -> dict[str, Any]:
    return {"type": "string", "enum": words, "description": description}


def _some(description: str) -> dict[str, Any]:
    return {"type": "integer", "format": "int32", "minimum": 1, "maximum": 2**31 - 1, "description": description}


def _object(description: str, properties: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "description": description, "required": required, "properties": properties}


def _named(name: str, description: str = "") -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", **({"description": description} if description else {})}


def _text(description: str, **limits: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **limits}


def _seconds(description: str) -> dict[str, Any]:
    return {"type": "number", "format": "double", "minimum": 0, "description": description}


_FAULTS: Final = (
    "`refused`, `timeout`, `full`, `readonly`, `auth`, `cluster`, `command`, `tls`, `clients`, `role` or `other`; more "
    "may come"
)
_OPERATIONS: Final = (
    "`look`: pages of others are looked for; `lease`: one process fetches for all; `store`: pages are put there; "
    "`slot`: calls to CC-iSales are counted; `signature`: refused signatures are; `limit`: requests of clients are; "
    "`listen`: news of others is heard; `purge`: others are told of one. More may come."
)
"""Words of `gateway.shared_store`, which the document does not import; a test holds them together."""

ENUMERATIONS: Final[Mapping[str, dict[str, Any]]] = {
    "CampaignStatus": _words(list(CampaignStatus), f"Where a campaign is in its life. {_GROWS} `unknown`."),
    "DeviceType": _words(list(DeviceType), f"What places the calls of a campaign. {_GROWS} `unknown`."),
    "CampaignStatusFilter": _words(
        list(STATUSES), "The status to look for. CC-iSales cannot look for drafts. Nothing else is taken."
    ),
    "DeviceTypeFilter": _words(list(DEVICE_TYPES), "The device type to look for. Nothing else is taken."),
    "ExportFormat": _words(list(ExportFormat), "What the file is. Nothing else is taken."),
    "CsvDialect": _words(list(CsvDialect), "For whom CSV is. Nothing else is taken."),
    "ProblemName": _words(
        [error.name for error in leaves()],
        "The last part of a problem's `type`. More may come: take one that you do not know for what its `status` says.",
    ),
    "Credential": _words(list(Credential), f"What a caller has shown to be known. {_GROWS} another kind of them."),
    "OthersHear": _words(list(OthersHear), f"How other processes hear of a purge. {_GROWS} `soon`."),
    "HealthStatus": _words(["ok"], "Always `ok`: the process answers."),
    "ReadinessStatus": _words(
        ["ready", "degraded", "draining"],
        "`degraded` when a dependency fails: traffic may come all the same. `draining`, with 503 only, when the "
        f"process is about to end. {_GROWS} what the status of the answer says.",
    ),
    "DependencyStatus": _words(
        ["ok", "failing", "unknown", "off"],
        f"`unknown` before it was needed, `off` where it is not set up. {_GROWS} `unknown`.",
    ),
    "CircuitState": _words(
        ["open", "half-open", "paused"],
        f"Why no calls are made now, or one at a time (`half-open`). {_GROWS} `open`.",
    ),
}
"""The enumerations by name. Code generators would name those without a name by themselves: `Status1`."""

SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    "Health": _object("The process is up.", {"status": _named("HealthStatus")}),
    "Readiness": _object(
        "Whether traffic may come, and how the dependencies are.",
        {
            "status": _named("ReadinessStatus"),
            "dependencies": {
                "type": "object",
                "description": "One entry for each dependency, by its name.",
                "additionalProperties": _named("Dependency"),
            },
        },
    ),
    "Draining": _object("The process is about to end.", {"status": _named("ReadinessStatus")}),
    "Dependency": _object(
        "How one dependency is. What has nothing to say is left out.",
        {
            "status": _named("DependencyStatus"),
            "circuit": _named("CircuitState", "Of CC-iSales: why no calls are made for any VDN."),
            "vdns": {
                "type": "object",
                "description": "Of CC-iSales: how the last fetch of each VDN ended, by its number.",
                "additionalProperties": _named("VdnHealth"),
            },
            "faults": _some("Of the settings: how many faults keep the latest from taking effect."),
            "in_force_since_seconds": _seconds("Of the settings: how long those in force have been so, if faults are."),
            "release": {"type": "string", "description": "Of `time_zones`: the release of the IANA database."},
            "fault": _text(f"Of the shared cache: the kind of trouble with it as a whole: {_FAULTS}."),
            "said": _text("Of the shared cache: what Redis said, cut; empty where it said nothing."),
            "operations": {
                "type": "object",
                "description": "Of the shared cache: each kind of operation that fails while others are well, such as "
                "where its user lacks a right. " + _OPERATIONS,
                "additionalProperties": _named("FailingOperation"),
            },
        },
        optional=("circuit", "vdns", "faults", "in_force_since_seconds", "release", "fault", "said", "operations"),
    ),
    "FailingOperation": _object(
        "A kind of operation on the shared cache that fails by itself.",
        {
            "fault": _text(f"The kind of trouble: {_FAULTS}."),
            "said": _text("What Redis said, cut; empty where it said nothing."),
            "lost": _text("What is lost by it, in words."),
        },
    ),
    "VdnHealth": _object(
        "How the last fetch of one VDN ended. What has nothing to say is left out.",
        {
            "status": _named("DependencyStatus"),
            "problem": _text("The name of the problem that it ended in."),
            "last_fetch_seconds_ago": _seconds("How long ago that was."),
            "circuit": _named("CircuitState", "Why no calls are made for this VDN."),
            "left_out": _some("How many rows of its last page could not be used, where that is more than a tenth."),
            "of": _some("How many rows that page had."),
        },
        optional=("problem", "last_fetch_seconds_ago", "circuit", "left_out", "of"),
    ),
    "Places": {
        "type": "object",
        "description": "Relative references to the parts of the gateway, by what they are.",
        "additionalProperties": _text("Where it is.", format="uri-reference"),
    },
    "ProblemDescription": _object(
        "What one kind of problem means, and what to do.",
        {
            "type": _text("The `type` of such problems.", format="uri-reference"),
            "title": _text("The kind of problem, in words."),
            "status": {
                "type": "integer",
                "format": "int32",
                "minimum": 400,
                "maximum": 599,
                "description": "The status of such answers.",
            },
            "meaning": _text("What it means. Names are between backticks."),
            "remedy": _text("What to do about it. Names are between backticks."),
        },
    ),
    "ProblemList": _object(
        "All kinds of problems.",
        {"problems": {"type": "array", "description": "Each kind once.", "items": _named("ProblemDescription")}},
    ),
    "ApiDocument": {"type": "object", "description": "An OpenAPI 3.1 document.", "additionalProperties": True},
}
"""The answers by name. Like those of `gateway.api.public` they are open."""
