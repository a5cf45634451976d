"""The aggregator: records what the workers report, finishes requests, writes their CSVs and calls webhooks."""
