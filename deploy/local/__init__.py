"""The whole stack without containers: real RabbitMQ, real MongoDB and the four services as private processes.

Everything it writes (data, logs, ports, secret) lies under one folder, its home.
"""
