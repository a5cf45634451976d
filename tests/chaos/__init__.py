"""`make chaos`: a seeded random mix of faults over two copies of each service on real servers, then one oracle."""
