"""The server is killed, frozen and started again under sender processes of each policy; senders are killed too."""
