"""Workers: a supervisor and its processes, each taking jobs, making the calls and settling."""
