"""Submits the tasks and waits for all results. It runs in the peers' venv.

python -m benchmarks.peers.submit < URLS: prints the seconds from the first submit to the last result
"""

import os
import sys
import time

from pymongo import MongoClient

from benchmarks.peers.tasks import compress

_PATIENCE_SECONDS = 600


def main() -> None:
    urls = sys.stdin.read().split()
    results = MongoClient[dict[str, object]](os.environ["BACKEND"]).get_default_database()["celery_taskmeta"]
    results.delete_many({})
    began = time.perf_counter()
    for url in urls:
        compress.delay(url)
    while (done := results.count_documents({})) < len(urls):
        if time.perf_counter() > began + _PATIENCE_SECONDS:
            raise TimeoutError(f"{done} of {len(urls)} tasks have ended")
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    if failed := results.count_documents({"status": {"$ne": "SUCCESS"}}):
        raise RuntimeError(f"{failed} tasks failed")
    print(seconds)


if __name__ == "__main__":
    main()
