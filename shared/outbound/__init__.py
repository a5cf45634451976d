"""The way out to addresses that strangers chose: which may be dialled, and the HTTP client that dials no other."""
