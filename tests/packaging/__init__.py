"""What the package brings besides Python: units, scripts and the RPM, held against the programs that read them."""
