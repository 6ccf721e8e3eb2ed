"""Of whole processes; what they print is thrown away:
    process.py memory COMMAND...       largest resident size in MB
    process.py time REPS COMMAND...    milliseconds from start to end (median)"""
import resource
import statistics
import subprocess
import sys
import time


def run(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return 1e3 * (time.perf_counter() - start)


if sys.argv[1] == "memory":
    run(sys.argv[2:])
    print("%.1f" % (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6))
else:
    times = [run(sys.argv[3:]) for _ in range(int(sys.argv[2]) + 2)]
    print("%.2f" % statistics.median(times[2:]))
