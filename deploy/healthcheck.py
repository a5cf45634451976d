"""The containers' health check: exits 0 if the service answers /livez.

It does not check dependencies: that is /readyz, and a missing dependency is no reason to restart the service.
"""

import os
import sys
from http.client import HTTPConnection


def main() -> int:
    port = int(os.environ["GATEWAY_PORT" if os.environ["SERVICE"] == "gateway" else "METRICS_PORT"])
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    connection.request("GET", "/livez")
    return 0 if connection.getresponse().status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
