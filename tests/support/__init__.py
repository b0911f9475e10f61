"""Building blocks of tests: clocks that tests move, campaigns to speak about, a gateway to call."""
