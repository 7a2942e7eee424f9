"""Rule tests as operations write them: given these facts, expect these messages and tasks and not those.

:mod:`.reader` makes cases of YAML, :mod:`.running` runs one through the real engine on a virtual clock,
:mod:`.judging` compares, :mod:`.coverage` says which rules no test has made speak.
"""
