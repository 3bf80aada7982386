"""``python -m skinmodels``, see ``cli``."""

import sys

from skinmodels import batch
from skinmodels.cli import main

if __name__ == "__main__":
    if sys.argv[1:2] == ["batch"]:
        batch.for_throughput()
    sys.exit(main())
