"""The paused hosts that delay a request."""

from datetime import datetime

from services.gateway.web import PausedHost
from shared.persistence import Database


async def find_paused_hosts(database: Database, request_id: str, now: datetime) -> list[PausedHost]:
    """Hosts whose circuit is not closed and that have pending images of the request, those with the most images first.

    One query while all circuits are closed.
    """
    circuits = {circuit.host: circuit for circuit in await database.hosts.not_closed()}
    if not circuits:
        return []
    pending = await database.images.count_pending_at_hosts(request_id, list(circuits))
    return [
        PausedHost(
            host=name,
            images=images,
            until=until if (until := circuits[name].paused_until) and until > now else None,
            error_code=circuits[name].error_code,
        )
        for name, images in sorted(pending.items(), key=lambda item: (-item[1], item[0]))
    ]
