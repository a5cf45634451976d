"""The images' health check: exits 0 if the service beside it says that it is alive.

Whether its servers answer is not asked here: that is /readyz, and no reason to restart.
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
