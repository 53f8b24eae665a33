"""Workers, their server and the network between them are killed, cut, delayed and stopped under a mixed load."""
