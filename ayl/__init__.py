"""ayl: any object's method call, made later by a worker."""

__version__ = "0.1.0"
