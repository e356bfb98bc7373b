"""Where uv is not installed: the two commands of it that are used, done by Python's own venv and pip.

It says what uv says when it fails, so that the reasons are tried, too.
"""
import os
import re
import subprocess
import sys

if "UV_STAND_IN_ARGS" in os.environ:
    with open(os.environ["UV_STAND_IN_ARGS"], "a") as told:
        told.write(" ".join(sys.argv[1:]) + "\n")
args = [arg for arg in sys.argv[1:] if arg not in ("--quiet", "--relocatable", "--no-build")]
if args[0] == "venv":
    sys.exit(subprocess.call([sys.executable, "-m", "venv", "--without-pip", args[1]]))

python, requirement = args[3], args[4]
ran = subprocess.run(
    [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-cache-dir", "--retries", "0",
     "--only-binary", ":all:", "--index-url", os.environ["UV_DEFAULT_INDEX"], requirement],
    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
)
name = re.match(r"[\w.-]+", requirement).group()
if "(from versions: none)" in ran.stdout:
    print(f"  × No solution found when resolving dependencies:\n  ╰─▶ Because {name} was not found in the package registry")
elif "No matching distribution" in ran.stdout:
    print(f"  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no version of {requirement}")
else:
    print(ran.stdout)
sys.exit(ran.returncode)
