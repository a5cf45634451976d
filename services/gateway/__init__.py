"""The gateway: accepts catalogues, dispatches their images, reports status, serves results."""
