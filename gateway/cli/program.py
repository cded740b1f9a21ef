"""The commands and their options as one program.

What a command does is in the module of its name and is imported when it runs: `--help` waits for none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.formats import Exported, FileFormat
from gateway.cli.loading import loading
from gateway.cli.output import tell
from providers.simulation.clock import FASTEST

EXIT_FAILED = 1

app = typer.Typer(
    name="trackgraph",
    help="One GraphQL graph over every system that knows where an order is.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file with the settings (or TRACKGRAPH_CONFIG).")
]
ShopOption = Annotated[str | None, typer.Option(help="The shop's slug, when there are several.")]
SpeedOption = Annotated[
    float,
    typer.Option(min=0.0, max=FASTEST, help="How many times as fast as the real clock the simulated one runs."),
]
CheckOption = Annotated[bool, typer.Option("--check", help="Write nothing; fail if the file is out of date.")]


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (left out: this process's own) and answer its exit code."""
    try:
        code = app(arguments, prog_name="trackgraph", standalone_mode=False)
    except Exception as error:  # noqa: BLE001  # the outermost boundary: nothing may show a traceback
        from gateway.cli.failures import explain

        lines, code = explain(error)
        for line in lines:
            tell(line)
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def trackgraph(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        print(f"trackgraph {version_of('trackgraph')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of server.host.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, instead of server.port.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes, instead of server.workers.")] = None,
) -> None:
    """Serve the gateway until it is stopped."""
    with loading():
        from gateway.cli.serve import serve

    serve(config, host, port, workers)


@app.command()
def dev(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway; 0 takes any free one.")] = 8000,
    database: Annotated[Path, typer.Option(metavar="FILE", help="SQLite file of the store.")] = Path(
        "trackgraph-dev.db"
    ),
    speed: SpeedOption = 1.0,
) -> None:
    """Serve the gateway with four simulated providers behind it: no key, no network, no settings."""
    with loading():
        from gateway.cli.dev import dev

    dev(port, database, speed)


@app.command()
def simulate(
    provider: Annotated[list[str] | None, typer.Option(help="Only this provider; may be repeated.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65500, help="Port of the first; the others follow it. 0: any free ones.")
    ] = None,
    speed: SpeedOption = 1.0,
) -> None:
    """Serve the simulated providers alone, and print where they are and what they accept."""
    from gateway.cli.simulate import simulate

    simulate(provider or [], port, speed)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Try the settings: the store, the cache, and one cheap call to every provider of every shop."""
    from gateway.cli.check import check

    if not check(config):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def registrations(
    config: ConfigOption = None,
    shop: Annotated[str | None, typer.Option(help="Only those of this shop.")] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only providers in this state: PENDING, REFUSED, UNKNOWN or DONE; may be repeated."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is done at every provider, and what was dismissed.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many, the newest.")] = 50,
) -> None:
    """Print the shipments that are not told to every provider yet: who is missing, why, and when it is tried next."""
    from gateway.cli.registrations import print_registrations

    print_registrations(config, shop, state or [], everything, limit)


@app.command()
def migrate(config: ConfigOption = None) -> None:
    """Bring the store's schema to the version that this trackgraph needs. Stop the gateways that use it before."""
    from gateway.cli.migrate import migrate

    migrate(config)


@app.command("import")
def import_rows(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV with a header, or an object of JSON on each line; UTF-8.")
    ],
    *,
    config: ConfigOption = None,
    shop: ShopOption = None,
    format: Annotated[FileFormat | None, typer.Option(help="Left out, the file's name tells.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the rows; write nothing.")] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="End when all is accepted; running gateways tell the providers.")
    ] = False,
) -> None:
    """Move in: link orders and register parcels, a row for each. The same file again does nothing twice."""
    from gateway.cli.import_file import ImportOptions, import_file

    options = ImportOptions(config, shop, format, is_check=check, is_waiting=not no_wait)
    if not import_file(file, options):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def export(
    config: ConfigOption = None,
    shop: ShopOption = None,
    format: Annotated[FileFormat, typer.Option(help="How rows are written.")] = FileFormat.JSONL,
    what: Annotated[
        Exported, typer.Option(help="links: as `import` reads them. registrations: a row for each provider.")
    ] = Exported.LINKS,
) -> None:
    """Write the links or the registrations of a shop to standard output."""
    from gateway.cli.export import export

    export(config, shop, what, format)


@app.command()
def forget(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The shop's number of the order.")],
    config: ConfigOption = None,
    shop: ShopOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
) -> None:
    """Remove all that is kept about an order, from the store and from a shared cache."""
    from gateway.cli.forget import forget

    forget(order, config, shop, is_sure=yes)


keys = typer.Typer(help="API keys: who may ask, about which shops, and what for.")
app.add_typer(keys, name="keys")


@keys.callback(invoke_without_command=True)
def say_what_keys_does(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@keys.command("create")
def create_key(
    shop: Annotated[list[str], typer.Option(help="A shop's slug, or * for every shop; may be repeated.")],
    scope: Annotated[
        list[str],
        typer.Option(help="orders:read, orders:search, orders:write, personal:read or admin; may be repeated."),
    ],
    config: ConfigOption = None,
    name: Annotated[str | None, typer.Option(help="Whose key it is, for people.")] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Days such as 90d, or a date; left out: never.")
    ] = None,
) -> None:
    """Make an API key and print it. It is shown this once; the store keeps a hash of it."""
    from gateway.cli.keys import Wanted, create_key

    create_key(config, Wanted(shop, scope, name, expires))


@keys.command("list")
def list_keys(config: ConfigOption = None) -> None:
    """Print every API key: whose it is, what it may do, and whether it is good."""
    from gateway.cli.keys import list_keys

    list_keys(config)


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` prints it.")],
    config: ConfigOption = None,
) -> None:
    """Take an API key out of use for good; running gateways follow within seconds."""
    from gateway.cli.keys import revoke_key

    revoke_key(config, key)


@app.command()
def schema(
    output: Annotated[Path, typer.Option(metavar="FILE", help="The file with the schema.")] = Path("schema.graphql"),
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; fail if the file is out of date or breaks clients."),
    ] = False,
) -> None:
    """Write the GraphQL schema to a file, or check the file."""
    from gateway.cli.schema import check_schema, write_schema

    (check_schema if check else write_schema)(output)


@app.command(hidden=True)
def settings_docs(
    output: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")] = Path("docs/settings.md"),
    check: CheckOption = False,
) -> None:
    """Write the documentation of all settings to a file, or check the file."""
    from gateway.cli.settings_docs import check_settings_docs, write_settings_docs

    (check_settings_docs if check else write_settings_docs)(output)


@app.command(hidden=True)
def metrics_docs(
    output: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")] = Path("docs/metrics.md"),
    check: CheckOption = False,
) -> None:
    """Write the documentation of metrics, spans and log fields to a file, or check the file."""
    from gateway.cli.metrics_docs import check_metrics_docs, write_metrics_docs

    (check_metrics_docs if check else write_metrics_docs)(output)
