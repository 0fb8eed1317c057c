"""The outside world in a box: servers on 127.0.0.1 that speak each vendor's real protocol.

``python -m scripts.sandbox`` starts it (see `__main__`), `process.SandboxProcess` from Python.
Every vendor is a folder beside this file that fits `server.Vendor`; what a session may do beyond
the vendor's own protocol (break it, read its book) is under ``/_sandbox``. Nothing real is ever
contacted, and a real key is turned away.
"""
