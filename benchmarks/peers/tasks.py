"""The Celery application, as Celery's documentation shows one. It runs in the peers' venv.

celery -A benchmarks.peers.tasks worker
"""

import os
from io import BytesIO
from pathlib import Path

import requests  # type: ignore[import-untyped,unused-ignore]
from celery import Celery  # type: ignore[import-not-found,unused-ignore]
from PIL import Image

app = Celery("tasks", broker=os.environ["BROKER"], backend=os.environ["BACKEND"])
session = requests.Session()


@app.task  # type: ignore[untyped-decorator,unused-ignore]
def compress(url: str) -> str:
    """Download, save at quality 50, and return where the result is; Celery records it in MongoDB."""
    response = session.get(url, timeout=10)
    response.raise_for_status()
    path = Path(os.environ["RESULTS"], url.rpartition("/")[2])
    Image.open(BytesIO(response.content)).save(path, "JPEG", quality=50)
    return str(path)
