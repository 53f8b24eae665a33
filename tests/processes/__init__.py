"""Facts that only real processes can show: workers, their supervisor and the server as commands."""
