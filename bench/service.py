#!/usr/bin/env python3
"""The HTTP service under wrk: requests for each CPU second of the server, p50 and p99.

    bench/service.py [--build build/bench] [--seconds 6] [--json FILE]

The server's CPU time is read from /proc, so what wrk itself takes on the same cores does not count.
FastAPI with Motor on Debian's packages, the same architecture, was measured at 520 requests for
each CPU second for GET and 370 for POST; the last column is the ratio to that.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.harness import program
from support.venv import python_with

PEER = {"GET": 520, "POST": 370}
GRANT = """
import sys, pymongo
users = pymongo.MongoClient(sys.argv[1]).imagegenerator.users
assert users.update_many({}, {"$set": {"credits_remaining": 1_000_000_000}}).modified_count
"""
POST_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"prompt": "A beautiful sunset over mountains"}'
"""


def request(port, method, path, body=None, token=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    reply = connection.getresponse()
    text = reply.read()
    if reply.status >= 300:
        raise SystemExit(f"{method} {path}: {reply.status} {text[:500]}")
    return json.loads(text)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory_mib(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def milliseconds(text):
    value, unit = re.match(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def measure(pid, url, token, connections, seconds, script=None):
    command = ["wrk", "-t2" if connections > 1 else "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
               "-H", f"Authorization: Bearer {token}"]
    if script:
        command += ["-s", script]
    before = cpu_seconds(pid)
    output = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    cpu = cpu_seconds(pid) - before
    total = int(re.search(r"(\d+) requests in", output).group(1))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    return {
        "connections": connections,
        "requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1)),
        "requests_per_cpu_second": total / cpu if cpu else 0.0,
        "cpu_us_per_request": 1e6 * cpu / total if total else 0.0,
        "p50_ms": milliseconds(re.search(r"^\s+50%\s+(\S+)", output, re.MULTILINE).group(1)),
        "p99_ms": milliseconds(re.search(r"^\s+99%\s+(\S+)", output, re.MULTILINE).group(1)),
        "errors": int(refused.group(1)) if refused else 0,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "post.lua"
        script.write_text(POST_SCRIPT)
        command = [options.build / "gesso", "serve", "--listen", "127.0.0.1:0", "--data-dir", f"{folder}/data"]
        with program(command, r"http://127\.0\.0\.1:(\d+)") as (process, match):
            port = int(match.group(1))
            person = {"email": "bench@example.com", "password": "correct horse"}
            request(port, "POST", "/api/v1/auth/register", person)
            token = request(port, "POST", "/api/v1/auth/login", person)["access_token"]
            socket = next(pathlib.Path(folder).rglob("*.sock"))
            uri = "mongodb://" + str(socket).replace("/", "%2F")
            subprocess.run([python_with("pymongo==4.15.4"), "-c", GRANT, uri], check=True)
            made = request(port, "POST", "/api/v1/generations", {"prompt": "A sunset"}, token)
            base = f"http://127.0.0.1:{port}/api/v1/generations"
            for name, url, lua in [("GET", f"{base}/{made['id']}", None), ("POST", base, str(script))]:
                for connections in (1, 32, 256):
                    row = measure(process.pid, url, token, connections, options.seconds, lua)
                    row = {"request": name, **row, "ratio_to_fastapi": row["requests_per_cpu_second"] / PEER[name]}
                    rows.append(row)
                    print("{request:5} {connections:4} conn {requests_per_second:9.0f} req/s "
                          "{requests_per_cpu_second:8.0f} req/CPU s {p50_ms:8.2f} ms p50 {p99_ms:8.2f} ms p99 "
                          "{errors:4} errors {ratio_to_fastapi:6.1f} x FastAPI+Motor".format(**row), flush=True)
            memory = peak_memory_mib(process.pid)
            print(f"peak memory {memory:.0f} MiB")
    if options.json:
        options.json.write_text(json.dumps({"service": rows, "peak_memory_mib": memory}, indent=2) + "\n")


main()
