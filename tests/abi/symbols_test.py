"""What a library exports and needs: only what is documented. Usage: symbols_test.py tiny.so"""

import subprocess
import sys

library = sys.argv[1]
exported = set()
for line in subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout.splitlines():
    exported.add(line.split()[2])
assert exported == {"tsc_get_library", "tiny_library"}, exported

dynamic = subprocess.run(["readelf", "-dW", library], capture_output=True, text=True, check=True).stdout
needed = {line.split("[")[1].split("]")[0] for line in dynamic.splitlines() if "(NEEDED)" in line}
assert needed <= {"libc.so.6", "libm.so.6", "libpthread.so.0", "libgcc_s.so.1"}, needed

undefined = subprocess.run(["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True).stdout
for name in ("__cxa_throw", "__cxa_atexit", "_Znwm", "getenv", "fopen", "abort", "exit"):
    assert f" {name}@" not in undefined and f" {name}\n" not in undefined, name
print("ok")
