"""What the compressor is judged by: fit, cost, beauty and memory, beside three peers on the same files in one run."""
