"""The `flask` commands for operators: what each prints is for people, `--json` is for scripts."""
