"""`python -m penstock.cli` does what `penstock` does."""

from penstock.cli.main import main

if __name__ == "__main__":
    main()
