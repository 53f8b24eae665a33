"""Our server against Debian's beanstalkd: the same bytes to both, and no difference in what they answer."""
