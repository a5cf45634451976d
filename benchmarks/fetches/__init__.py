"""The CPU time of downloads, and how much hosts that flood their connections slow down the others."""
