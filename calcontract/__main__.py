"""`python -m calcontract` is `calcontract`."""

from calcontract.cli import main

main()
