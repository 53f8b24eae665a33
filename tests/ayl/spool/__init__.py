"""Calls that wait on disk while no server answers, and what becomes of the others."""
