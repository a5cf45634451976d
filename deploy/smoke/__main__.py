"""The smoke test of the Compose stack: builds and scales it, processes one request, stops it in order.

    python -m deploy.smoke [--file more-compose.yml] [--keep]

It has its own project, port and volumes, so another stack can run beside it. It removes them at the end.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.smoke.request import run_request

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "downloader", "compressor", "aggregator")
SCALE = {"downloader": 3, "compressor": 4}
WEBHOOK_SECRET = "whsec_c21va2UtdGVzdC1zZWNyZXQtb2YtMzItYnl0ZXM="  # noqa: S105 (used only in this test)
DOCKER_NETWORKS = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"  # the origin has no public address


class Stack:
    """The project `imagemill-smoke`, as `docker compose` sees it."""

    def __init__(self, port: int, more_files: Sequence[str]) -> None:
        files = ["docker-compose.yml", "deploy/smoke/compose.yml", *more_files]
        self._command = ["docker", "compose", "--project-name", "imagemill-smoke"]
        self._command += [word for file in files for word in ("--file", file)]
        self._environment = os.environ | {
            "GATEWAY_PORT": str(port),
            "PUBLIC_BASE_URL": f"http://localhost:{port}",
            "WEBHOOK_SECRET": WEBHOOK_SECRET,
            "FETCH_ALLOW_NETWORKS": DOCKER_NETWORKS,
            "WEBHOOK_ALLOW_NETWORKS": DOCKER_NETWORKS,
            "FETCH_RETRY_SCHEDULE": "[1]",
        }

    def compose(self, *arguments: str) -> str:
        """Output of one `docker compose` command. Raises CalledProcessError if it fails."""
        done = subprocess.run(  # noqa: S603 (fixed arguments)
            [*self._command, *arguments], cwd=ROOT, env=self._environment, check=True, text=True, stdout=subprocess.PIPE
        )
        return done.stdout

    def up(self) -> None:
        self.compose("build", "--quiet")
        scale = [word for name, count in SCALE.items() for word in ("--scale", f"{name}={count}")]
        self.compose("up", "--detach", "--wait", "--wait-timeout", "180", "--quiet-pull", *scale)

    def exit_codes(self) -> dict[str, int]:
        """The exit code of every service's container, by name."""
        lines = self.compose("ps", "--all", "--format", "{{.Name}} {{.ExitCode}}", *SERVICES).splitlines()
        return {name: int(code) for name, code in (line.split() for line in lines)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.smoke", description=__doc__.splitlines()[0])
    parser.add_argument("--file", action="append", default=[], help="a further Compose file")
    parser.add_argument("--port", type=int, default=18000, help="the gateway's port on this machine")
    parser.add_argument("--keep", action="store_true", help="keep the containers and volumes")
    options = parser.parse_args()
    stack = Stack(options.port, options.file)
    try:
        stack.up()
        faults = run_request(f"http://localhost:{options.port}", stack.compose, WEBHOOK_SECRET)
        stack.compose("stop", *SERVICES)
        codes = stack.exit_codes()
        faults += [f"{name} exited with {code} on SIGTERM" for name, code in codes.items() if code]
        if len(codes) != len(SERVICES) + sum(SCALE.values()) - len(SCALE):
            faults.append(f"unexpected containers: {sorted(codes)}")
    except (subprocess.CalledProcessError, OSError) as error:
        sys.stderr.write(stack.compose("logs", "--no-color", "--tail", "40"))
        faults = [str(error)]
    finally:
        if not options.keep:
            stack.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")
    sys.stdout.write("".join(f"FAULT: {fault}\n" for fault in faults) or "The Compose stack works.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
