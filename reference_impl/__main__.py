"""The door of the reference receiver: `python -m reference_impl`."""

from reference_impl.commands import main

if __name__ == "__main__":
    main()
