"""Other people's tests: what clients of beanstalkd publish with their packages, run against a server.

`bin/client-suites` starts it. No part of the ordinary tests: it needs the network and runs strangers' code.
"""
