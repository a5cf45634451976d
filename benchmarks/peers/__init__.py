"""`make bench-peers`: Imagemill beside a bare Pillow loop, img2dataset and Celery, on the same files in one run."""
