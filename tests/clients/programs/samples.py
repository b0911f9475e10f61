"""Run programs in Python one after the other, as if each were run by itself; what each prints follows a mark."""

import runpy
import sys

for file in sys.argv[1:]:
    sys.stdout.write("\x1e")
    runpy.run_path(file, run_name="__main__")
