"""`ayl_worker` as a command, with both servers."""
