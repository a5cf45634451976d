"""`make soak`: very many small images through the stack, while the memory of every process is recorded."""
