"""The Redis that several processes share: the connections to it, and what keeps its trouble away from callers.

`backend` holds the connections, `guard` runs each operation or skips it, `breaker` decides when to skip, and `store`
has it all for one process. `slots` keeps the call budget in it, `gateway.pages` pages and leases. Trouble with it is
never an error for a caller, and nobody waits for it for long.
"""
