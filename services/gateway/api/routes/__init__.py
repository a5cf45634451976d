"""The API's paths: what they are called, what they take and what they answer. A router for each matter."""
