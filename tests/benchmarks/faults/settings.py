"""Settings that a part changes; all others are those of `config/default.toml`."""

WITHOUT_BREAKER = {"isales.breaker_min_calls": "100000"}
"""The circuit never opens."""
