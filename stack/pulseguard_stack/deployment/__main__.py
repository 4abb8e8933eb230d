"""`python3 -m pulseguard_stack.deployment`, which `make secrets` and `make urls` run."""

import os
import sys

from pulseguard_stack.deployment.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
