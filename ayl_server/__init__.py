"""A beanstalkd-compatible server whose broker is a pure state machine."""
