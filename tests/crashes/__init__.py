"""`ayl_server` on a real file system, killed, stopped and restarted; and disks that are full, damaged or failing."""
