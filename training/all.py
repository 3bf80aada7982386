"""The old name of ``python -m training.reproduce``."""

import sys

from training.reproduce import main

if __name__ == "__main__":
    print("python -m training.all is now python -m training.reproduce.", file=sys.stderr)
    sys.exit(main())
