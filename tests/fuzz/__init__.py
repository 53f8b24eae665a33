"""Bytes that nobody should send, and binlogs that something has damaged: what the server makes of them.

What is fuzzed is written once, against `Choices`; hypothesis, atheris and a plain random generator all make choices.
"""
