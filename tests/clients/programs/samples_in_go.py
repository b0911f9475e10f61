"""Compile programs in Go into one, and run them one after the other; what each prints follows a mark.

To link a program takes longer than to compile it. Each is a package of its own, whose `main` is called from outside.
"""

import subprocess
import sys
from pathlib import Path

MODULE = "samples"
folder = Path(MODULE)
names = []
for file in map(Path, sys.argv[1:]):
    name = file.parent.name
    names.append(name)
    package = file.read_text(encoding="utf-8")
    for was, becomes in (("package main\n", f"package {name}\n"), ("\nfunc main() {\n", "\nfunc Main() {\n")):
        assert package.count(was) == 1, file
        package = package.replace(was, becomes)
    (folder / name).mkdir(parents=True)
    (folder / name / file.name).write_text(package, encoding="utf-8")
imports = "\n".join(f'\t"{MODULE}/{name}"' for name in names)
calls = "\n".join(f'\tfmt.Print("\\x1e")\n\t{name}.Main()' for name in names)
(folder / "go.mod").write_text(f"module {MODULE}\n")
(folder / "main.go").write_text(f'package main\n\nimport (\n\t"fmt"\n{imports}\n)\n\nfunc main() {{\n{calls}\n}}\n')
sys.exit(subprocess.run(["go", "run", "."], cwd=folder, check=False).returncode)
