"""Some of what a package does only root can do."""

from __future__ import annotations

import os

AS_ROOT = () if os.geteuid() == 0 else ("sudo", "-n")
"""What stands before such commands; where sudo wants a password the tests fail."""
