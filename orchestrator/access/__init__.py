"""Who may do what: people, how they sign in, what their roles allow, API keys, and the record of changes."""
