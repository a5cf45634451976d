"""One module for each generated table; each function returns the block's Markdown."""
