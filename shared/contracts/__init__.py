"""What the services say to each other, and to anyone who listens: small frozen data, no I/O."""
