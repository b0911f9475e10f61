"""The front: what stands between callers and the gateway, examined from where callers are."""
