"""The page cache: key, freshness, codec and store, single flight, and the driver that puts them in order.

It knows nothing of HTTP and nothing of the vendor: queries come in, pages go out, and a function that it is given
fetches what it does not have.
"""
