"""The compressor compared with three peers on the same files in one run: size, cost, quality and memory."""
