"""The store on Redis, alone or in a Cluster: one Lua script for each operation, one hash tag for each namespace."""

from penstock.backends.redis.client import address_of
from penstock.backends.redis.store import RedisStore, from_client, from_url

__all__ = ["RedisStore", "address_of", "from_client", "from_url"]
