"""The soak: the whole deployment under mixed callers for minutes, while one thing after the other goes wrong.

`run` has it all together. What is drawn (`mix`, `upstream_faults`, `process_faults`) follows a seed, what is judged
(`answers`, `announced`, `calls`, `usage`) is pure, and `report` says what came of it.
"""
