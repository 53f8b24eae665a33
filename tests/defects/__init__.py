"""Known defects of the original server: each is shown there, where that is safe, and its absence here."""
