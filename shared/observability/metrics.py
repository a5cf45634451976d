"""Every metric of the system. `docs/metrics.md` is made from these declarations."""

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from shared.observability.declarations import Declarations

_MESSAGE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_FETCH_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60)
_COMPRESS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60)


def process_registry() -> CollectorRegistry:
    """A registry with the process's own CPU time, memory, open files and garbage collections."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Metrics:
    """The metrics of one process. Each process has all of them; what it has no part in stays at zero or absent."""

    def __init__(self, registry: CollectorRegistry) -> None:
        declare = Declarations(registry)

        self.messages_handled = declare.counter(
            "imagemill_messages_handled_total",
            "Messages taken from a queue and settled, by what became of them.",
            unit="messages",
            labels=("queue", "outcome"),
        )
        self.message_seconds = declare.seconds(
            "imagemill_message_seconds",
            "From a message's arrival in the process until it was settled.",
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
            "Public events that the queue of some subscriber refused because it was full.",
            unit="events",
        )
        self.dead_letters = declare.counter(
            "imagemill_dead_letters_total",
            "Messages parked in imagemill.dead, by the queue they came from.",
            unit="letters",
            labels=("queue", "reason"),
        )
        self.ready = declare.gauge(
            "imagemill_ready",
            "1 while the dependency answers, 0 while it does not; /readyz is 200 while all are 1.",
            unit="boolean",
            labels=("dependency",),
        )

        self.images = declare.counter(
            "imagemill_images_total",
            "Images that reached an end, with the error code of those that failed and none for the others.",
            unit="images",
            labels=("outcome", "error_code"),
        )
        self.image_bytes_in = declare.counter(
            "imagemill_image_bytes_in_total", "Bytes of the originals of compressed images.", unit="bytes"
        )
        self.image_bytes_out = declare.counter(
            "imagemill_image_bytes_out_total", "Bytes of the results of compressed images.", unit="bytes"
        )
        self.image_encodes = declare.counter(
            "imagemill_image_encodes_total",
            "Full encodings that the results took; by the number of compressed images it is the mean.",
            unit="encodes",
        )
        self.images_reused = declare.counter(
            "imagemill_images_reused_total",
            "Results that were copied: unchanged since an earlier request, or of the same bytes within theirs.",
            unit="images",
            labels=("kind",),
        )
        self.fetch_seconds = declare.seconds(
            "imagemill_fetch_seconds", "Downloading one image, whether it succeeded or not.", buckets=_FETCH_SECONDS
        )
        self.compress_seconds = declare.seconds(
            "imagemill_compress_seconds", "Compressing one image in a worker process.", buckets=_COMPRESS_SECONDS
        )

        self.backlog_images = declare.gauge(
            "imagemill_backlog_images",
            "Images waiting to be dispatched, over all requests. Scale the workers by its maximum over the gateways:"
            " the one that dispatches reports it, the others 0.",
            unit="images",
        )
        self.paused_hosts = declare.gauge(
            "imagemill_paused_hosts",
            "Hosts in trouble at which images wait: nothing is asked of them for a while, then one image at a time."
            " As above, one gateway reports it.",
            unit="hosts",
        )
        self.dispatched_images = declare.gauge(
            "imagemill_dispatched_images",
            "Images in the broker or at a worker, at most DISPATCH_WINDOW. As above, one gateway reports it.",
            unit="images",
        )
        self.requests_open = declare.gauge(
            "imagemill_requests_open", "Requests that are Pending. As above, one gateway reports it.", unit="requests"
        )
        self.requests_finished = declare.counter(
            "imagemill_requests_finished_total",
            "Requests that became Completed or Failed.",
            unit="requests",
            labels=("status",),
        )
        self.upload_bytes = declare.counter(
            "imagemill_upload_bytes_total", "Bytes of the CSV files that were uploaded.", unit="bytes"
        )
        self.probed_urls = declare.counter(
            "imagemill_probed_urls_total",
            "URLs looked at for validations: image, the error code, or unknown if no downloader could say.",
            unit="urls",
            labels=("outcome",),
        )
        self.webhook_deliveries = declare.counter(
            "imagemill_webhook_deliveries_total",
            "Attempts to deliver a webhook, by what came of them.",
            unit="deliveries",
            labels=("outcome",),
        )

        self.declarations = tuple(declare.made)
