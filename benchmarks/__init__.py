"""How fast the gateway answers, how much memory it takes, and where its time goes: `python -m benchmarks --help`.

Everything runs on this machine, over real sockets on loopback: the gateway in a process of its own as
`trackgraph serve` starts it, what it asks in a second one, and the load in the process that measures. Linux only, for
its `/proc`.
"""
