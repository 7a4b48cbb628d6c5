"""Chat: who is connected, groups, messages; shared by all server processes in Valkey.

`names` and `commands` read what clients send, `lines` words what they get. `register`
is the shared state, `switchboard` a process's own sockets, `directory` the same state
for HTTP, `history` the messages that are kept.
"""
