"""`python -m exactre.cli`."""

import sys

from exactre.cli import main

sys.exit(main())
