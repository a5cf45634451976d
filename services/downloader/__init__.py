"""The downloader: fetches the image of each command into the object store, and probes URLs for validations."""
