"""The command line answers, and `kfp` is ours; run once when the image is built."""

import subprocess

said = subprocess.run(["kfp", "run", "--help"], check=True, capture_output=True, text=True).stdout
assert "Check a spec, show what will happen, run it." in said, said
stock = subprocess.run(["kfp", "dsl", "compile", "--help"], check=True, capture_output=True, text=True).stdout
assert "Compiles a pipeline" in stock, stock
print(subprocess.run(["kfp", "--version"], check=True, capture_output=True, text=True).stdout.replace("\n", " "))
