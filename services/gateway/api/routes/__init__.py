"""The paths of the API: one module per group, each with the names, the inputs and the responses of its routes."""

from services.gateway.api.routes.cancel import cancel_router
from services.gateway.api.routes.deliveries import deliveries_router
from services.gateway.api.routes.health import health_router
from services.gateway.api.routes.objects import objects_router
from services.gateway.api.routes.reading import NO_QUERY
from services.gateway.api.routes.retry import retry_router
from services.gateway.api.routes.status import status_router
from services.gateway.api.routes.uploads import uploads_router, validation_router
from services.gateway.api.routes.webhook_test import webhook_test_router

__all__ = [
    "NO_QUERY",
    "cancel_router",
    "deliveries_router",
    "health_router",
    "objects_router",
    "retry_router",
    "status_router",
    "uploads_router",
    "validation_router",
    "webhook_test_router",
]
