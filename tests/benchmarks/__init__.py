"""How fast the gateway is, as ratios to its peers on the same machine in the same run: `make bench`."""
