"""The downloader: a command with a URL in, the original in the store or the reason why not out."""
