"""The one table of faults. What a kind does is said by the docstring of its function, which `help_texts` returns."""

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

from flask import Response

from gateway.simulator import broken_wire, wrong_answers
from gateway.simulator.faults import Exchange

FAULT_KINDS: Mapping[str, Callable[[Exchange], Response]] = MappingProxyType(
    {
        "latency": wrong_answers.latency,
        "hang": broken_wire.hang,
        "drip": broken_wire.drip,
        "drip-headers": broken_wire.drip_headers,
        "reset-before": broken_wire.reset_before,
        "reset-in-headers": broken_wire.reset_in_headers,
        "reset-in-body": broken_wire.reset_in_body,
        "short-body": broken_wire.short_body,
        "not-json": wrong_answers.not_json,
        "json-list": wrong_answers.json_list,
        "no-envelope": wrong_answers.no_envelope,
        "no-data": wrong_answers.no_data,
        "null-data": wrong_answers.null_data,
        "html": wrong_answers.html,
        "gzip-bomb": wrong_answers.gzip_bomb,
        "endless": wrong_answers.endless,
        "wrong-charset": wrong_answers.wrong_charset,
        "bom": wrong_answers.bom,
        "nan": wrong_answers.nan,
        "duplicate-keys": wrong_answers.duplicate_keys,
        "deep-nesting": wrong_answers.deep_nesting,
        "http-status": wrong_answers.http_status,
        "redirect": wrong_answers.redirect,
        "result-code": wrong_answers.result_code,
        "no-result-code": wrong_answers.no_result_code,
        "only-return-code": wrong_answers.only_return_code,
        "only-result-code": wrong_answers.only_result_code,
        "odd-rows": wrong_answers.odd_rows,
        "vendor-sample": wrong_answers.vendor_sample,
        "shifting-totals": wrong_answers.shifting_totals,
        "wrong-clock": wrong_answers.wrong_clock,
        "too-fast": wrong_answers.too_fast,
        "address-locked": wrong_answers.address_locked,
        "firewall": wrong_answers.firewall,
        "sample-2023": wrong_answers.sample_of_2023,
        "whole-floats": wrong_answers.whole_floats,
    }
)


def help_texts() -> dict[str, str]:
    """Return what each kind does, in a sentence; defaults are in brackets."""
    return {kind: inspect.getdoc(play) or "" for kind, play in FAULT_KINDS.items()}
