"""How a command ends; there are no other exit codes."""

FINE = 0
PROBLEMS = 1
USAGE = 2  # or the settings
LATER = 75  # EX_TEMPFAIL of sysexits: a mail server keeps its mail and tries again
INTERRUPTED = 130  # as a shell tells that SIGINT ended a program
