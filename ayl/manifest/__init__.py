"""What the messages of a release may call, written down, and whether another release could still run them."""

from ayl.manifest.comparison import Problem, problems
from ayl.manifest.registered import manifest
from ayl.manifest.surface import Manifest, NotAManifest, read, write

__all__ = ["Manifest", "NotAManifest", "Problem", "manifest", "problems", "read", "write"]
