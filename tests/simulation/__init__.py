"""The server's real code under a simulated clock, network and disk, from a seed."""
