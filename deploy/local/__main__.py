"""The commands behind `make run`, `make demo` and others: python -m deploy.local --help."""

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.browser import find_browser
from deploy.local.clean import remove
from deploy.local.oracles import find_oracles
from deploy.local.packages import Missing
from deploy.local.packages import install as install_packages
from deploy.local.ports import PortTaken
from deploy.local.processes import ProcessDied
from deploy.local.run import DEMO_HOME, HOME
from deploy.local.run import run as keep_running
from deploy.local.run import up as keep_servers_running
from deploy.local.servers import prepare as install_servers
from deploy.local.supervisor import InUse
from services.gateway.admin.init_store import StoreLost

app = typer.Typer(help="Imagemill without containers: real servers as private processes.", no_args_is_help=True)

Home = Annotated[Path, typer.Option(help="Folder for data, logs and ports.")]
Port = Annotated[int, typer.Option(envvar="GATEWAY_PORT", min=1, max=65535, help="Port of the API.")]


class Needed(StrEnum):
    """What a command or a ring of tests needs from the machine."""

    SERVERS = "servers"
    BROWSER = "browser"
    ORACLES = "oracles"


@app.command()
def prepare(needed: Annotated[list[Needed], typer.Argument()]) -> None:
    """Install what the machine lacks of servers, browser and oracles. Start nothing."""
    _do(lambda: _install_missing(needed))


@app.command()
def install(packages: list[str]) -> None:
    """Install Debian packages without starting the services in them."""
    _do(lambda: install_packages(*packages))


@app.command()
def up(home: Home = HOME) -> None:
    """Run RabbitMQ and MongoDB until Ctrl-C."""
    _do(lambda: keep_servers_running(home))


@app.command()
def run(port: Port = 8000, home: Home = HOME) -> None:
    """Run the whole stack until Ctrl-C."""
    _do(lambda: keep_running(home, port))


@app.command()
def demo(home: Home = DEMO_HOME) -> None:
    """Process pictures in six formats on a real stack and check every promise."""
    from deploy.local.demo import demo as show  # noqa: PLC0415 - only the demo needs the packages that this imports

    _do(lambda: show(home))


@app.command()
def clean() -> None:
    """Remove everything under .local, and end processes that a killed stack left behind."""
    _do(remove)


def _install_missing(needed: Sequence[Needed]) -> None:
    if Needed.SERVERS in needed:
        install_servers()
    if Needed.BROWSER in needed:
        find_browser()
    if Needed.ORACLES in needed:
        find_oracles()


def _do(command: Callable[[], int | None]) -> None:
    """Run a command and exit with its status. Print faults that the user can fix without a traceback."""
    try:
        sys.exit(command())
    except PortTaken as error:
        _fail(f"{error}. Choose another one: make run GATEWAY_PORT={error.port + 1}")
    except (InUse, Missing, ProcessDied, StoreLost) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.exit(1)


if __name__ == "__main__":
    app(prog_name="python -m deploy.local")
