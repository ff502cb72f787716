"""
Cal.com, played: what it sends, how it signs, and how it reaches a receiver.

The core is pure: times, ids and people come in as arguments, and the same arguments make the same
bytes.  The edges are `sender`, `wire`, `volley`, `exchange`, `deadlines` and `cli`.
"""
