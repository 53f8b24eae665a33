"""ayl as others get it: its wheel and what pip brings with it, in virtual environments that are made for each test."""
