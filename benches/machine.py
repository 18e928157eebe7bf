"""What the benches run: the sides that are compared, and what the machine is."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

# Instructions that the core or its limit use where they are.
FLAGS = [
    "sha_ni",
    "ssse3",
    "sse4_1",
    "avx",
    "avx2",
    "avx512f",
    "avx512bw",
    "bmi2",
    "pclmulqdq",
    "sha2",
    "asimd",
]


def output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def cpu_info() -> dict[str, str]:
    """The first processor of /proc/cpuinfo, or nothing."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def system() -> str:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split("=", 1)[1].strip('"') for line in lines if line.startswith("PRETTY_NAME=")]
    return ", ".join([*names, f"{platform.system()} {platform.release()}"])


def describe(ours_python: str) -> dict[str, str]:
    cpu = cpu_info()
    there = cpu.get("flags", cpu.get("Features", "")).split()
    return {
        "processor": cpu.get("model name") or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "instructions": " ".join(flag for flag in FLAGS if flag in there) or "unknown",
        "system": system(),
        "libc": " ".join(platform.libc_ver()),
        "Python": output(ours_python, "-c", "import platform; print(platform.python_version())"),
        "Node": output("node", "--version").removeprefix("v"),
        "rustc": output("rustc", "--version").removeprefix("rustc "),
    }


def add_sides(parser: argparse.ArgumentParser) -> None:
    """The arguments that name the programs and packages that are compared."""
    parser.add_argument("--ours-rust", required=True, help="the program drift-bench-worker")
    parser.add_argument("--ours-python", default=sys.executable, help="an interpreter that has our wheel")
    parser.add_argument(
        "--published-python", required=True, help="an interpreter that has drift-core-python 0.1.9"
    )
    parser.add_argument("--ours-node", required=True, help="the folder of our package")
    parser.add_argument("--published-node", required=True, help="the folder of the published package")
