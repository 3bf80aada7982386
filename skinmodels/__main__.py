"""``python -m skinmodels``, see ``cli``."""

import sys

from skinmodels.batch import engine
from skinmodels.cli import main

if __name__ == "__main__":
    if sys.argv[1:2] == ["batch"]:
        engine.for_throughput()
    sys.exit(main())
