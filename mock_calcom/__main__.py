"""The door of `mock-calcom` and `python -m mock_calcom`; an interrupt finds it soon."""

from mock_calcom.interrupts import loading


def main() -> None:
    """Run the command line."""
    with loading():
        from mock_calcom import cli  # noqa: PLC0415 - heavy
    cli.main()


if __name__ == "__main__":
    main()
