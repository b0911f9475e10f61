"""A `.env` that Flask has read counts for nothing."""

from pathlib import Path

import pytest

from gateway.cli.env_file import forget_env_file

ENV_FILE = """
GATEWAY_ENV=production
export GATEWAY__LOG__LEVEL="loud"  # quoted
GATEWAY_CONFIG
OTHER=1
"""


@pytest.fixture(autouse=True)
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder below that of the `.env`; Flask looks upwards."""
    (tmp_path / ".env").write_text(ENV_FILE)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")


def test_what_the_file_says_is_forgotten_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the gateway's variables; the others are not ours."""
    environ = {"GATEWAY_ENV": "production", "GATEWAY__LOG__LEVEL": "loud", "OTHER": "1", "GATEWAY__LOG__HITS": "true"}
    forget_env_file(environ)
    assert environ == {"OTHER": "1", "GATEWAY__LOG__HITS": "true"}
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path}/.env is not read, ")
    assert "Ignored: GATEWAY_ENV, GATEWAY__LOG__LEVEL." in said


def test_what_somebody_else_set_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """Another value than the file's is not from the file."""
    environ = {"GATEWAY_ENV": "development", "GATEWAY__LOG__LEVEL": "info"}
    forget_env_file(environ)
    assert environ == {"GATEWAY_ENV": "development", "GATEWAY__LOG__LEVEL": "info"}
    assert capsys.readouterr().err == ""


def test_where_flask_does_not_read_the_file_nothing_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """FLASK_SKIP_DOTENV is Flask's switch for that."""
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
    environ = {"GATEWAY_ENV": "production"}
    forget_env_file(environ)
    assert environ == {"GATEWAY_ENV": "production"}
