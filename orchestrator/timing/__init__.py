"""When a message may leave: local time, windows, quiet hours, law, habits, caps. Pure."""
