"""The journal on disk: what the broker reports is written down, and read back after a crash."""
