"""The callers' side: queries in, representations, problems and documentation out.

Knows Flask and the public contract; knows nothing of the vendor, the page cache or who may call. Those meet it in
`gateway.factory`.
"""
