"""What is too much of a number, whoever is told it.  Pure."""

from __future__ import annotations

#: A seed is a number that JSON, JavaScript and a float can hold.
LARGEST_SEED = 2**53 - 1

#: No attempt may take longer than this, in seconds.
LONGEST = 3600.0
