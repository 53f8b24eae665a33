"""What `ayl_worker --app-path` is given."""
