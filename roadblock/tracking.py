def state_now():
    return {"state": "idle", "figures": []}


async def stop():
    return None
