"""`make bench-scale`: what messaging and state carry, with hosts and a codec that only wait."""
