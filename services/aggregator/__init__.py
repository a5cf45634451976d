"""The aggregator: records the workers' results, finishes requests, writes their output files, delivers webhooks."""
