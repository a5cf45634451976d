"""Senders and receivers of messages are read from the services' code."""

from dev.docs.message_flow import flows
from shared.contracts.messages import DownloadImage, DropRounds, ImageCompressed, ImageDeferred, ImagesProbed
from shared.messaging import Queue

FLOWS = {flow.message: flow for flow in flows()}


def test_every_message_except_a_broadcast_is_sent_and_is_received_by_one_service() -> None:
    assert [flow.message.__name__ for flow in flows() if not flow.senders or len(flow.receivers) != 1] == ["DropRounds"]


def test_a_message_goes_over_the_queues_that_its_receiver_subscribes_to() -> None:
    flow = FLOWS[DownloadImage]

    assert (flow.queues, flow.senders) == ((Queue.DOWNLOAD, Queue.DOWNLOAD_ALONE), ("gateway",))
    assert flow.receivers == ("downloader",)


def test_every_service_that_sends_a_message_is_found() -> None:
    assert FLOWS[ImageCompressed].senders == ("downloader", "compressor")


def test_a_broadcast_reaches_every_service_that_listens() -> None:
    flow = FLOWS[DropRounds]

    assert flow.is_broadcast
    assert (flow.queues, flow.senders, flow.receivers) == ((), ("gateway",), ("downloader", "compressor"))


def test_a_reply_goes_back_to_the_sender_of_the_command() -> None:
    assert (FLOWS[ImagesProbed].queues, FLOWS[ImagesProbed].receivers) == ((), ("gateway",))


def test_a_message_that_a_service_makes_for_itself_is_not_sent() -> None:
    assert "aggregator" not in FLOWS[ImageDeferred].senders
