"""The server's suite: transcripts of bytes, replayed against ours and against Debian's beanstalkd."""
