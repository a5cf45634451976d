"""Which hosts a request waits for."""

from datetime import datetime

from services.gateway.web.schemas import PausedHost
from shared.persistence import Database


async def find_paused_hosts(database: Database, request_id: str, now: datetime) -> list[PausedHost]:
    """Hosts in trouble at which images of the request wait, the most images first. Cheap while no host is."""
    hosts = {host.host: host for host in await database.hosts.tripped()}
    if not hosts:
        return []
    waiting = await database.images.count_pending_at_hosts(request_id, list(hosts))
    return [
        PausedHost(
            host=name,
            images=images,
            until=until if (until := hosts[name].paused_until) and until > now else None,
            error_code=hosts[name].error_code,
        )
        for name, images in sorted(waiting.items(), key=lambda item: (-item[1], item[0]))
    ]
