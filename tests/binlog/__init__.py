"""The binlog: ours, and beanstalkd's as far as we read it."""
