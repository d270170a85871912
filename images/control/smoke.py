"""The command line works, and `kfp` is that of ernie-jobs; run once when the image is built."""

import subprocess

usage = subprocess.run(["kfp", "run", "--help"], check=True, capture_output=True, text=True).stdout
assert "Check a spec, show what will happen, run it." in usage, usage
stock = subprocess.run(["kfp", "dsl", "compile", "--help"], check=True, capture_output=True, text=True).stdout
assert "Compiles a pipeline" in stock, stock
print(subprocess.run(["kfp", "--version"], check=True, capture_output=True, text=True).stdout.replace("\n", " "))
