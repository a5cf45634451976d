"""The door to RabbitMQ: topology, publishing with confirms, and the runtime that consumers live in."""

from shared.messaging.broker import Broker, open_broker
from shared.messaging.consumer import Consumer, Handler, Subscription
from shared.messaging.dependency_gate import DependencyGate, Ping
from shared.messaging.publisher import Outgoing, Publish, Publisher, Reply
from shared.messaging.replies import Inbox, Replies
from shared.messaging.topology import Queue

__all__ = [
    "Broker",
    "Consumer",
    "DependencyGate",
    "Handler",
    "Inbox",
    "Outgoing",
    "Ping",
    "Publish",
    "Publisher",
    "Queue",
    "Replies",
    "Reply",
    "Subscription",
    "open_broker",
]
