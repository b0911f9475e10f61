"""TLS towards others: one policy for all of them, and words for what is wrong with a chain of certificates."""
