"""
What is acceptable, said once.

A judge looks at what happened and raises `Violation`; nobody else does.  Judges send nothing and
wait for nothing.
"""
