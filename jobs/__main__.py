"""`python -m jobs`: the command line, under a name that nothing can take away."""

from jobs.cli import main

if __name__ == "__main__":
    main()
