"""`ayl_server` as a command."""
