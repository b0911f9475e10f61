"""What a user of Redis needs rights for: commands, those that scripts use among them, keys and channels. Pure."""

from collections.abc import Sequence
from typing import Final

COMMANDS: Final = (
    # scripts, and what is asked for without one
    *("eval", "evalsha", "set", "del", "unlink", "scan", "blpop", "brpoplpush", "zrem"),
    # what scripts use
    *("get", "pttl", "pexpire", "expire", "exists", "decr", "type", "time", "rpush"),
    *("zadd", "zscore", "zcard", "zrange", "zremrangebyscore"),
    *("hget", "hgetall", "hset", "hdel", "hincrby"),
    *("lindex", "lpush", "ltrim"),
    # news of other processes
    *("publish", "subscribe", "unsubscribe"),
)
"""For one Redis, or the master that Sentinels name."""

OF_A_CLUSTER: Final = ("cluster|slots", "command", "asking")
"""Those that a cluster's client needs besides."""


def set_user(prefix: str, *, cluster: bool, also: Sequence[str] = ()) -> str:
    """Return the least that a user needs, as the command that makes one; `also` what the URL asks for besides."""
    commands = (*COMMANDS, *(OF_A_CLUSTER if cluster else ()), *also)
    rights = " ".join(f"+{command}" for command in commands)
    return f"ACL SETUSER campaign-gateway reset on >PASSWORD resetchannels ~{prefix}* &{prefix}* {rights}"
