"""What a product catalogue looks like as a file: the gateway reads it, the aggregator writes it again. Pure."""
