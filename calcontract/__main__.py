"""The door of `calcontract` and `python -m calcontract`; an interrupt finds it soon."""

from mock_calcom.interrupts import loading


def main() -> None:
    """Run the command line."""
    with loading():
        from calcontract import cli  # noqa: PLC0415 - heavy
    cli.main()


if __name__ == "__main__":
    main()
