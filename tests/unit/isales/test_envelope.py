from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamBrokenContract, UpstreamFailed, UpstreamRejectedParameters, UpstreamResult
from gateway.isales import envelope

REJECTED = ["0200001", *(f"020000{n:02}" for n in range(1, 12))]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>maintenance</html>",
        b'{"resultCode": "0200000"',
        b'{"resultCode": "0200000"} x',
        b'\xef\xbb\xbf{"resultCode": "0200000"}',
        '{"resultDesc": "成功"}'.encode("gbk"),
        '{"resultCode": "0200000"}'.encode("utf-16"),
        b'{"totalSize": NaN}',
        b'{"totalSize": -Infinity}',
        b'{"resultCode": "0200006", "resultCode": "0200000"}',
        b'{"data": [{"id": 1, "id": 2}]}',
        b'{"totalSize": ' + b"9" * 5000 + b"}",
        b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000,
        b"[]",
        b'"0200000"',
        b"0200000",
        b"null",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_strict_json_object_is_refused(body: bytes) -> None:
    """Whatever is wrong with the bytes is the one error for a broken contract."""
    with pytest.raises(UpstreamBrokenContract):
        envelope.decode(body)


@given(st.binary())
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    """Any bytes are an object or that one error."""
    with suppress(UpstreamBrokenContract):
        assert isinstance(envelope.decode(body), dict)


@pytest.mark.parametrize(
    "document",
    [
        {"resultCode": "0200000"},
        {"returnCode": "0200000"},
        {"resultCode": None, "returnCode": "0200000"},
        {"resultCode": "0200000", "returnCode": "0200006"},
    ],
)
def test_success_is_one_code(document: dict[str, Any]) -> None:
    """The result code decides, and the return code where there is no result code."""
    assert envelope.failure(document) is None


@pytest.mark.parametrize("name", ["result", "return"])
@pytest.mark.parametrize("code", REJECTED)
def test_codes_of_rejected_parameters(name: str, code: str) -> None:
    """Each documented code for a bad parameter is the error that says so, with what the vendor said."""
    error = envelope.failure({f"{name}Code": code, f"{name}Desc": "name is too long"})
    assert isinstance(error, UpstreamRejectedParameters)
    assert error.upstream == UpstreamResult(code, "name is too long")


def test_a_parameter_that_is_missing_is_not_the_callers() -> None:
    """All that is described is always sent, so what is missing is new: the one that the newest text names is named."""
    details = {code: str(envelope.failure({"resultCode": code})) for code in REJECTED}
    assert [code for code, detail in details.items() if "`statusV2`" in detail] == ["02000001"]


@pytest.mark.parametrize(
    "code", ["0200006", "02000012", "02000000", "200000", "0200000 ", " 0200000", "0200000\n", "0200001\n", "OK", "0"]
)
def test_any_other_code_is_a_failure(code: str) -> None:
    """A code that is not exactly success or a bad parameter is a failure of the vendor's."""
    error = envelope.failure({"resultCode": code})
    assert isinstance(error, UpstreamFailed)
    assert error.upstream == UpstreamResult(code.strip(), "")


@pytest.mark.parametrize("code", ["0200000 ", " 0200000", "0200000\n", "\ufeff0200000"])
def test_what_only_looks_like_success_is_told_as_it_is(code: str) -> None:
    """Nobody is told of a failure with the code of success: what is beside it is shown."""
    shown = f'"{ascii(code)[1:-1]}"'
    said = f"CC-iSales failed: its result code {shown} is not 0200000 to the letter, and nothing else is success."
    assert str(envelope.failure({"resultCode": code})) == said


@pytest.mark.parametrize("number", [0, 200000, Decimal("200000.0"), Decimal("1e999999999")])
def test_a_number_is_no_success(number: int | Decimal) -> None:
    """A number as result code is a failure that is named by it."""
    error = envelope.failure({"resultCode": number, "returnCode": "0200000"})
    assert isinstance(error, UpstreamFailed)
    assert error.upstream == UpstreamResult(str(number), "")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"resultCode": None},
        {"resultCode": "", "returnCode": "0200000"},
        {"resultCode": True},
        {"resultCode": ["0200000"]},
        {"resultCode": {}, "returnCode": "0200000"},
        {"data": [], "totalSize": 0},
    ],
)
def test_no_result_code_is_no_envelope(document: dict[str, Any]) -> None:
    """An object without a usable result code is not the vendor's."""
    with pytest.raises(UpstreamBrokenContract):
        envelope.failure(document)


def test_descriptions_are_safe_to_show() -> None:
    """Controls, bidi controls, separators and lone surrogates are gone, and 500 characters are enough."""
    desc = "\x00a\x1b\u202e\u2028\ud800b\x7f" + "x" * 600
    error = envelope.failure({"resultCode": "1", "resultDesc": desc})
    assert error is not None
    assert error.upstream is not None
    assert error.upstream.description.startswith("a   \N{REPLACEMENT CHARACTER}b x")
    assert len(error.upstream.description) <= 500


@given(st.text(), st.text())
def test_no_description_resists_utf_8(code: str, description: str) -> None:
    """Whatever the vendor says can be encoded and has no control character."""
    try:
        error = envelope.failure({"resultCode": code, "resultDesc": description})
    except UpstreamBrokenContract:
        return
    if error is not None and error.upstream is not None:
        shown = error.detail + error.upstream.code + error.upstream.description
        assert shown.encode()
        assert not any(ord(character) < 32 for character in shown)


@pytest.mark.parametrize("description", [None, 7, [], {}])
def test_a_description_that_is_no_text_is_empty(description: Any) -> None:
    """Only texts describe."""
    assert envelope.result({"resultCode": "1", "resultDesc": description}).description == ""


@pytest.mark.parametrize(
    ("code", "element"),
    [("0100001", "CC-CMS"), ("03000010", "CC-FS"), ("0200007", ""), ("0200-01", ""), ("01", ""), ("x", "")],
)
def test_codes_tell_which_element_answers(code: str, element: str) -> None:
    """Those of other elements of the platform name it, for the URL leads there; all are failures and stay texts."""
    error = envelope.failure({"resultCode": code})
    assert isinstance(error, UpstreamFailed)
    assert error.upstream == UpstreamResult(code, "")
    assert envelope.element_of(code) == element
    assert error.detail.startswith(element or "CC-iSales failed")
