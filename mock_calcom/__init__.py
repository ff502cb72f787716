"""
Cal.com, played: what it sends, how it signs, and how it reaches a receiver.

The core (everything but `sender`, `wire`, `volley`, `attempts`' callers and `cli`) is pure: times,
ids and people come in as arguments, and the same arguments make the same bytes.
"""
