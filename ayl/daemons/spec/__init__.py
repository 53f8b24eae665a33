"""`daemons.yml`, read and checked: what is to run, and as whom."""
