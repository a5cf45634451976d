"""The whole stack without containers: real RabbitMQ, real MongoDB and the four services as private processes.

It writes everything (data, logs, ports, secret) under one folder, its home.
"""
