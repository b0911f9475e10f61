"""`flask campaigns export`: all campaigns in a file, which is there when it is whole."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway.api.export_forms import CsvDialect, ExportFormat, Form
from gateway.cli.app import current_gateway
from gateway.cli.campaigns import FILTERS, campaigns, failure, option, query_of
from gateway.counted import counted
from gateway.errors import GatewayError
from gateway.model import NO_DIRECTIVES, Deadline
from gateway.results.reader import Progress as Told

CLIENT = "flask campaigns export"
OF_PAGES = {"page", "page_size"}
STANDARD_OUTPUT = 1


def _with_filters(command: Any) -> Any:
    for name in reversed(FILTERS):
        command = command if name in OF_PAGES else option(name)(command)
    return command


@campaigns.command(short_help="Write all campaigns to a file.")
@with_appcontext
@_with_filters
@click.option(
    "--format",
    "form",
    type=click.Choice([each.value for each in ExportFormat]),
    default="ndjson",
    show_default=True,
    help="What it is.",
)
@click.option(
    "--dialect",
    type=click.Choice([each.value for each in CsvDialect]),
    help="Of CSV: for spreadsheets (the default), which run what looks like a formula, or plain.",
)
@click.option("--bom", is_flag=True, help="Begin CSV with a byte order mark.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON about the file, when it is there.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file; replaced if it exists."
)
def export(form: str, dialect: str | None, bom: bool, as_json: bool, output: Path, **options: str | None) -> None:  # noqa: FBT001 -- click passes options by name
    """Write all campaigns to a file, read as the endpoint reads them: behind all callers, within the call budget.

    The file has its name when it is whole, and not before; else what was there before still is.
    """
    chosen = ExportFormat(form)
    if chosen is not ExportFormat.CSV and (dialect or bom):
        raise click.UsageError("--dialect and --bom are about CSV; add --format csv.")
    if str(output) == "-":
        raise click.UsageError("--output names a file. For standard output write /dev/stdout.")
    if as_json and _is_standard_output(output):
        raise click.UsageError("--json and the campaigns cannot both go to standard output; name another file.")
    gateway = current_gateway()
    query, exports = query_of(gateway, options), gateway.exports
    made = Form(chosen, CsvDialect(dialect) if dialect else CsvDialect.SPREADSHEET, bom)
    try:
        with _beside(output) as file:
            with _progress(Console(stderr=True)) as told:
                deadline = Deadline.after(exports.policy.longest_s)
                result = exports.read(CLIENT, query, NO_DIRECTIVES, deadline, told)
            rows = result.whole.rows
            spool = result.rows if made.is_rows else result.form(made, exports.spooling, made.writer(rows))
            for piece in spool.read(0, spool.size):
                file.write(piece)
    except GatewayError as error:
        raise failure(error) from error
    except OSError as fault:
        raise click.ClickException(f"{output} cannot be written: {fault.strerror or fault}.") from fault
    if as_json:
        click.echo(json.dumps({"file": str(output), "rows": rows, "bytes": spool.size}, ensure_ascii=False))
    else:
        click.echo(f"{output}: {counted(rows, 'campaign')}, {counted(spool.size, 'byte')}.", err=True)


@contextmanager
def _progress(console: Console) -> Iterator[Told]:
    """Show on a terminal how far it is, and say nothing elsewhere."""
    columns = (
        TextColumn("campaigns"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("campaigns", total=None)
        yield lambda rows, total: progress.update(task, completed=rows, total=total)


def _is_standard_output(output: Path) -> bool:
    try:
        return os.path.samestat(output.stat(), os.fstat(STANDARD_OUTPUT))
    except OSError:
        return False


@contextmanager
def _beside(output: Path) -> Iterator[IO[bytes]]:
    """Yield a file in the folder of `output` that takes its name if all goes well, and goes if it does not.

    Links are followed. What is there and is no file, as a pipe or a device, is written to as it is; so is standard
    output, whatever it is.
    """
    if _is_standard_output(output):
        with os.fdopen(os.dup(STANDARD_OUTPUT), "wb") as file:
            yield file
        return
    if output.exists() and not output.is_file():
        with output.open("wb") as file:
            yield file
        return
    target = Path(os.path.realpath(output))
    # A short name, as that of the file may be as long as names can be.
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".campaigns-", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            # As any new file: what it is made with is for its owner alone.
            umask = os.umask(0)
            os.umask(umask)
            os.fchmod(file.fileno(), 0o666 & ~umask)
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
