"""Counters that rise with every frame, so that none can be recorded and sent again."""

from roadblock import signing

# Compared as text of equal length: Lua's numbers are exact to 53 bits, ours have 64.
RAISE = """
local last = redis.call('GET', KEYS[1])
if last and ARGV[1] <= last then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""


async def rises(valkey, vehicle_id, key, report):
    """Take a report's counter; tell whether it is above all that came before it.

    The highest one is kept for each frame type in Valkey, so that a frame recorded from
    one server process is stale in all others too; and for each key, so that a car with
    a new key may count from 0.
    """
    if report.counter is None:
        return False
    mark = signing.signature(key, b"counter").hex()
    name = f"roadblock:counter:{vehicle_id}:{mark}:{type(report).__name__}"
    return bool(await valkey.eval(RAISE, 1, name, f"{report.counter:020}"))
