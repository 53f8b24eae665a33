"""What the app's hooks hear."""
