"""What operators do to daemons. Each daemon is changed by one at a time, and each change is waited for until it is
clear how it went; an `Outcome` for each daemon says so.
"""
