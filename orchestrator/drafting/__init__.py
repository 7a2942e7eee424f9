"""Rules and texts as people change and try them in the console, before anything of it counts."""
