"""Every metric of the system. `docs/metrics.md` is generated from these declarations."""

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from shared.observability.declarations import Declarations

_MESSAGE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_FETCH_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60)
_COMPRESS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60)


def process_registry() -> CollectorRegistry:
    """A registry with the process's CPU time, memory, open files and garbage collections."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Metrics:
    """The metrics of one process. Every process declares all of them; those it never updates stay at zero or absent."""

    def __init__(self, registry: CollectorRegistry) -> None:
        declare = Declarations(registry)

        self.messages_handled = declare.counter(
            "imagemill_messages_handled_total",
            "Messages taken from a queue: handled, failed with an unexpected error, or returned to the queue.",
            unit="messages",
            labels=("queue", "outcome"),
        )
        self.message_seconds = declare.seconds(
            "imagemill_message_seconds",
            "Time from the start of a message's processing until it was handled, failed or returned.",
            buckets=_MESSAGE_SECONDS,
            labels=("queue",),
        )
        self.messages_published = declare.counter(
            "imagemill_messages_published_total",
            "Messages that the broker confirmed.",
            unit="messages",
            labels=("exchange",),
        )
        self.events_refused = declare.counter(
            "imagemill_events_refused_total",
            "Public events that a subscriber's full queue refused.",
            unit="events",
        )
        self.events_unconfirmed = declare.counter(
            "imagemill_events_unconfirmed_total",
            "Public events that were published without a confirm, because a subscriber's queue does not confirm.",
            unit="events",
        )
        self.dead_letters = declare.counter(
            "imagemill_dead_letters_total",
            "Messages parked in imagemill.dead, by the queue they came from.",
            unit="letters",
            labels=("queue", "reason"),
        )
        self.clock_skew = declare.gauge(
            "imagemill_clock_skew_seconds",
            "Seconds by which the clock of this process's machine is ahead of the reference. The services correct it.",
            unit="seconds",
            labels=("reference",),
        )
        self.ready = declare.gauge(
            "imagemill_ready",
            "1 if the dependency answers, or `consuming <queue>` is true; else 0. A loop that has stalled is 0 under"
            " its name. /readyz is 200 while all are 1.",
            unit="boolean",
            labels=("dependency",),
        )
        self.unreadable_records = declare.counter(
            "imagemill_unreadable_records_total",
            "Records that this version cannot read and has set aside; each process counts a record once.",
            unit="records",
            labels=("collection",),
        )

        self.background_items_failed = declare.counter(
            "imagemill_background_items_failed_total",
            "Unexpected errors of the gateway's background tasks with one item, such as a request. The item is tried"
            " again after a pause; all others are processed. The process stays ready, even if every item fails. step:"
            " intake, dispatch, cancel, sweep, retention or leftovers.",
            unit="items",
            labels=("step",),
        )

        self.images = declare.counter(
            "imagemill_images_total",
            "Images that reached a terminal state. outcome: compressed, failed or cancelled. error_code is none unless"
            " the outcome is failed. Cancelled images are counted when their request finishes.",
            unit="images",
            labels=("outcome", "error_code"),
        )
        self.worker_losses = declare.counter(
            "imagemill_worker_losses_total",
            "Deferrals of images because a process ended or hung while it had them. error_code: decoder_crashed or"
            " decode_timeout for a worker process of the compressor, else worker_lost.",
            unit="losses",
            labels=("error_code",),
        )
        self.image_bytes_in = declare.counter(
            "imagemill_image_bytes_in_total", "Bytes of the originals of compressed images.", unit="bytes"
        )
        self.image_bytes_out = declare.counter(
            "imagemill_image_bytes_out_total", "Bytes of the results of compressed images.", unit="bytes"
        )
        self.image_encodes = declare.counter(
            "imagemill_image_encodes_total",
            "Full encodings that the results required. Divide by the compressed images for the mean per image.",
            unit="encodes",
        )
        self.images_reused = declare.counter(
            "imagemill_images_reused_total",
            "Results that were copied. kind: unchanged (an earlier request's original is unchanged) or same_bytes"
            " (an image of the same request has the same bytes).",
            unit="images",
            labels=("kind",),
        )
        self.originals_lost = declare.counter(
            "imagemill_originals_lost_total",
            "Originals that were stored and are no longer in the object store. Their images are downloaded again.",
            unit="originals",
        )
        self.fetch_seconds = declare.seconds(
            "imagemill_fetch_seconds", "Time to download one image, successful or not.", buckets=_FETCH_SECONDS
        )
        self.compress_seconds = declare.seconds(
            "imagemill_compress_seconds", "Time to compress one image in a worker process.", buckets=_COMPRESS_SECONDS
        )

        self.backlog_images = declare.gauge(
            "imagemill_backlog_images",
            "Images of all requests that wait to be dispatched. Scale the workers by the maximum over the gateways:"
            " only the gateway that dispatches reports it, the others report 0.",
            unit="images",
        )
        self.paused_hosts = declare.gauge(
            "imagemill_paused_hosts",
            "Paused hosts with waiting images: nothing is sent to them until the pause ends, then one image at a time."
            " Only the gateway that dispatches reports it.",
            unit="hosts",
        )
        self.dispatched_images = declare.gauge(
            "imagemill_dispatched_images",
            "Images in the broker or at a worker, at most DISPATCH_WINDOW."
            " Only the gateway that dispatches reports it.",
            unit="images",
        )
        self.requests_open = declare.gauge(
            "imagemill_requests_open",
            "Requests in state Pending. Only the gateway that dispatches reports it.",
            unit="requests",
        )
        self.requests_finished = declare.counter(
            "imagemill_requests_finished_total",
            "Requests that finished. status: Completed, Failed or Cancelled.",
            unit="requests",
            labels=("status",),
        )
        self.upload_bytes = declare.counter(
            "imagemill_upload_bytes_total", "Bytes of uploaded catalogues.", unit="bytes"
        )
        self.probed_images = declare.counter(
            "imagemill_probed_images_total",
            "Images probed for validations. outcome: image, an error code, or unknown if the probe gave no result.",
            unit="images",
            labels=("outcome",),
        )
        self.webhook_deliveries = declare.counter(
            "imagemill_webhook_deliveries_total",
            "Attempts to deliver a webhook: delivered, deferred to a later attempt, abandoned after the last, disabled"
            " (the receiver answered 410 Gone), replayed or replay_failed.",
            unit="deliveries",
            labels=("outcome",),
        )
        self.webhooks_overdue = declare.gauge(
            "imagemill_webhooks_overdue",
            "Webhooks whose next attempt has been due for more than a minute, at most 1,000."
            " Only the gateway that dispatches reports it.",
            unit="webhooks",
        )
        self.webhook_seconds = declare.seconds(
            "imagemill_webhook_seconds",
            "Time of one attempt to deliver a webhook, successful or not.",
            buckets=_FETCH_SECONDS,
        )

        self.declarations = tuple(declare.made)
