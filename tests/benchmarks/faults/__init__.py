"""How a gateway that is served goes through everything that can go wrong upstream: `make faults`."""
