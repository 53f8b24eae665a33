"""The commands, as an operator and a script meet them."""
