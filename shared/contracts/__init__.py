"""What the services exchange and record: messages, events, records, states, error codes, object keys. Pure.

A vocabulary rather than a room: every module is public and is imported by its own name; `messages` is a package.
"""
