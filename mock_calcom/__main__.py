"""`python -m mock_calcom`."""

from mock_calcom.cli import main

main()
