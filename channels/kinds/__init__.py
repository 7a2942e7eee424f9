"""The kinds of channel that come with Beforehand: settings and abilities, without the clients they use."""
