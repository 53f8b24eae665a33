"""What is the matter with a job or a server, and calls that operators send."""
