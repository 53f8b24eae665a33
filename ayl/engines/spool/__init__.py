"""Where calls wait on this machine's disk while no server answers.

`records` (what stands in a file, pure) · `directory` (whose it is, and locks) · `segments` (the files) · `store` (in
and out) · `draining` (to a server again). Imported only when there is something to keep or to deliver.
"""
