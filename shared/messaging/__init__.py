"""RabbitMQ: exchanges and queues, publishing with confirms, and the runtime that calls message handlers."""

from shared.messaging.broker import Broker, open_broker
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letters import DeadLetter, list_dead, purge_dead, replay_dead
from shared.messaging.dependency_gate import DependencyGate, Ping
from shared.messaging.dropped_rounds import DroppedRounds
from shared.messaging.hold import Hold
from shared.messaging.publisher import Broadcast, Outgoing, Publish, Publisher, Reply
from shared.messaging.replies import Inbox, Replies
from shared.messaging.reply_client import ReplyClient, ReplyConnection
from shared.messaging.reports import Reports, ReportSender, worker_reports
from shared.messaging.subscription import Handler, Subscription, Unproven
from shared.messaging.topology import ALONE_QUEUE_OF, COMMANDS_EXCHANGE, DEAD_EXCHANGE, EVENTS_EXCHANGE, QUEUE_OF, Queue

__all__ = [
    "ALONE_QUEUE_OF",
    "COMMANDS_EXCHANGE",
    "DEAD_EXCHANGE",
    "EVENTS_EXCHANGE",
    "QUEUE_OF",
    "Broadcast",
    "Broker",
    "Consumer",
    "DeadLetter",
    "DependencyGate",
    "DroppedRounds",
    "Handler",
    "Hold",
    "Inbox",
    "Outgoing",
    "Ping",
    "Publish",
    "Publisher",
    "Queue",
    "Replies",
    "Reply",
    "ReplyClient",
    "ReplyConnection",
    "ReportSender",
    "Reports",
    "Subscription",
    "Unproven",
    "list_dead",
    "open_broker",
    "purge_dead",
    "replay_dead",
    "worker_reports",
]
