"""What type checkers see of ayl."""
