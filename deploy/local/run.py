"""`make run` and `make up`: run a stack until Ctrl-C."""

import asyncio
import sys
from pathlib import Path

from deploy.local.console import say
from deploy.local.servers import prepare
from deploy.local.stack import LocalStack
from deploy.local.supervisor import lock, supervise

TREE = Path(__file__).parents[2]
HOME = TREE / ".local"
DEMO_HOME = HOME / "demo"


def run(home: Path, port: int) -> int:
    """Run the whole stack; return 0 after it was stopped."""
    prepare()
    with lock(home):
        say(f"Starting RabbitMQ, MongoDB and the four services (data and logs in {home}) ...")
        asyncio.run(supervise(LocalStack(home, gateway_port=port), LocalStack.start, _serve))
    return 0


def up(home: Path) -> int:
    """Run only the servers; return 0 after they were stopped."""
    prepare()
    with lock(home):
        say(f"Starting RabbitMQ and MongoDB (data and logs in {home}) ...")
        asyncio.run(supervise(LocalStack(home), LocalStack.start_servers, _lend_servers))
    return 0


async def _serve(stack: LocalStack) -> int:
    url = stack.gateway_url
    say(f"""
Imagemill runs at {url}   Ctrl-C stops it; its data stays.

  documentation   {url}/docs
  try it          curl -F file=@samples/products.csv {url}/upload
                  curl '{url}/status?request_id=...'
  logs            {stack.home}/logs/
  URLs            {stack.env_file}  (shell variables, for other programs)
  webhook secret  {stack.joint()["WEBHOOK_SECRET"]}
""")
    return await _until_stopped()


async def _lend_servers(stack: LocalStack) -> int:
    say(f"""
RabbitMQ and MongoDB run; Ctrl-C stops them. For a service in another shell:

  set -a; . {stack.env_file}; set +a; {sys.executable} -m services.gateway
""")
    return await _until_stopped()


async def _until_stopped() -> int:
    await asyncio.Event().wait()
    return 0
