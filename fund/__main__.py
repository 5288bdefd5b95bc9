"""`sicf`, or `python -m fund`."""

from fund.cli import cli


def main() -> None:
    """The command line."""
    cli(prog_name="sicf")


if __name__ == "__main__":
    main()
