"""What systemd does to start a service with sockets: hand them over from descriptor 3 on, and say for whom they are.

Use: activator.py COUNT NAMES COMMAND... with the sockets already open at 3 and following ones. NAMES may be empty.
A variable that is set already is left as it is, so that a test can say something wrong.
"""

import os
import sys

if __name__ == "__main__":
    count, names, *command = sys.argv[1:]
    for descriptor in range(3, 3 + int(count)):
        os.set_inheritable(descriptor, True)
    os.environ.setdefault("LISTEN_PID", str(os.getpid()))
    os.environ.setdefault("LISTEN_FDS", count)
    if names:
        os.environ.setdefault("LISTEN_FDNAMES", names)
    os.execv(command[0], command)  # noqa: S606 - the process must stay the one that the sockets are for
