"""Ways to deploy Imagemill: containers, Kubernetes, or plain processes (deploy.local).

`deploy.local` also serves development: `make run` keeps data for months, and the tests start their servers with it.
"""
