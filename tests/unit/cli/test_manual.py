"""`flask --help`, exit codes, and `--json` wherever data are printed."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner
from flask import Flask

from gateway.cli.commands import COMMANDS, Commands, add_commands
from gateway.cli.exit_codes import MEANINGS, ExitCode
from gateway.cli.manual import CHAPTERS
from gateway.settings import SettingsError
from tests.support.gateway import PROJECT
from tests.support.server import BIN, environment

SERVE: set[str] = {"demo", "simulator run"}
"""Print no data: they run until they are ended."""


OURS = Commands()


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Yield every command of ours by its whole name."""
    context = click.Context(OURS)
    for group in OURS.list_commands(context):
        command = OURS.get_command(context, group)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{group} {name}", leaf) for name, leaf in command.commands.items())
        else:
            yield group, command


LEAVES = dict(leaves())


@pytest.fixture(scope="module")
def printed() -> str:
    """Return what the `flask` command prints as its help."""
    done = subprocess.run(
        [BIN / "flask", "--help"], cwd=PROJECT, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_every_command_has_a_line_in_a_chapter(printed: str) -> None:
    """Each of ours once, in one line of 80 columns, below the heading that says what it is for."""
    assert sorted(name for names in CHAPTERS.values() for name in names) == sorted(
        [*COMMANDS, "routes", "run", "shell"]
    )
    for name, command in LEAVES.items():
        (line,) = re.findall(rf"^  {name}  +(.*)$", printed, re.MULTILINE)
        assert line == command.short_help, name
    assert max(map(len, printed.splitlines())) <= 80
    for chapter, names in CHAPTERS.items():
        below = printed.partition(f"\n{chapter}:\n")[2].partition("\n\n")[0]
        assert {line.split()[0] for line in below.splitlines()} == set(names)


def test_it_tells_where_settings_come_from_and_how_output_looks(printed: str) -> None:
    """In the order in which later ones count, as config/README.md has it."""
    text = " ".join(printed.split())
    places = ("config/default.toml", "config/<GATEWAY_ENV>.toml", "GATEWAY_CONFIG", "GATEWAY__ISALES__BASE_URL")
    assert [text.index(place) for place in places] == sorted(text.index(place) for place in places)
    assert "NO_COLOR" in text
    assert "A general utility script" not in text


def test_it_is_there_with_faulty_settings() -> None:
    """Whoever has faults to mend needs it most."""
    variables = environment(GATEWAY__LOG__LEVEL="loud")
    done = subprocess.run([BIN / "flask"], cwd=PROJECT, env=variables, capture_output=True, text=True, check=False)
    assert "Settings and keys:" in done.stdout + done.stderr


def test_exit_codes_are_told_in_one_place(printed: str) -> None:
    """The manual and deploy/README.md have the same words, and they are those of click."""
    text = " ".join(printed.split())
    table = (PROJECT / "deploy" / "README.md").read_text(encoding="utf-8")
    for code, meaning in MEANINGS.items():
        assert f"{int(code)} {meaning}" in text
        assert f"| {int(code)} | {meaning} |" in table
    assert set(MEANINGS) == set(ExitCode)
    assert click.ClickException.exit_code == ExitCode.FAILED
    assert click.UsageError.exit_code == ExitCode.USAGE


def test_commands_end_with_no_other_code() -> None:
    """Where one ends the process it names the code; all else is click's."""
    ends = 0
    for module in (PROJECT / "gateway" / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"sys.exit", "os._exit", "exit"}:
                said = ast.unparse(node.args[0])
                named = re.fullmatch(r"ExitCode\.[A-Z]+( if .+ else ExitCode\.[A-Z]+)?", said)
                assert named or said == "str(fault)", f"{module.name}: {said}"
                ends += 1
    assert ends > 3


@pytest.mark.parametrize("name", LEAVES)
def test_what_is_called_wrongly_is_told_so(name: str) -> None:
    """An option that there is not: exit code 2, and how it is called, on standard error."""
    app = Flask("gateway")
    add_commands(app, SettingsError(["log.level: must be x"]))
    result = app.test_cli_runner().invoke(args=[*name.split(), "--no-such-option"])
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "Usage:" in result.stderr


@pytest.mark.parametrize("name", sorted(set(LEAVES) - SERVE))
def test_data_come_as_json_too(name: str) -> None:
    """Every command that prints data has `--json`, and says so."""
    (option,) = [each for each in LEAVES[name].params if "--json" in each.opts]
    assert isinstance(option, click.Option)
    assert option.help
    assert CliRunner().invoke(LEAVES[name], ["--help"]).exit_code == ExitCode.DONE


@pytest.mark.parametrize("name", sorted(set(LEAVES) - SERVE))
def test_programs_are_told_what_people_are(name: str) -> None:
    """With `--json` a command that fails prints one object, and its words on standard error as ever."""
    app = Flask("gateway")
    add_commands(app, SettingsError(["log.level: must be x"]))
    result = app.test_cli_runner().invoke(args=[*name.split(), "--no-such-option", "--json"])
    told = json.loads(result.stdout)
    assert (result.exit_code, told["result"], told["exit_code"]) == (ExitCode.USAGE, "failed", ExitCode.USAGE)
    assert f"Error: {told['detail']}\n" in result.stderr


@pytest.mark.parametrize("name", LEAVES)
def test_no_command_tells_codes_of_its_own(name: str) -> None:
    """What a code says is told in one place; a command says what makes it fail."""
    assert "xit code" not in (LEAVES[name].help or "")
