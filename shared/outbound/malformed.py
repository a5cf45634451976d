"""What can be wrong with a response, as the parser finds it. Pure."""


class MalformedResponse(Exception):
    """The response violates HTTP/1.1 in a way that makes its meaning or its end doubtful, or exceeds a limit."""


class NoResponse(MalformedResponse):
    """The host sent nothing that begins an HTTP response, or closed the connection before the head was complete."""


class BodyCutOff(MalformedResponse):
    """The host closed the connection before the end of the body."""
