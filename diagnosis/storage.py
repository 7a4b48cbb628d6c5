"""Where recordings lie: in STORAGES["recordings"]."""

from config.storage import StorageAway, Store

__all__ = ["StorageAway", "get", "opened", "put", "remove"]

_recordings = Store("recordings")
put, get = _recordings.put, _recordings.get
opened, remove = _recordings.opened, _recordings.remove
