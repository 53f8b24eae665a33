"""What users test with."""
