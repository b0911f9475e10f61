"""How long HTTP caches reuse a page of the gateway: `python -m tests.benchmarks.caches`."""
