"""gesso-azure-standin as an object: `with AzureStandIn(build) as azure: azure(set_secret={...})`."""

import json
import subprocess


class AzureStandIn:
    """`told` is what the program said first; a call sends one command and returns its answer."""

    def __init__(self, build):
        self._process = subprocess.Popen(
            [build / "tests" / "gesso-azure-standin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.told = self._read()

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"gesso-azure-standin ended with {self._process.wait(60)}")
        return json.loads(line)

    def __call__(self, **command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        if "error" in answer:
            raise ValueError(f"{command}: {answer['error']}")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        status = self._process.wait(60)
        self._process.stdout.close()
        if status != 0:
            raise AssertionError(f"gesso-azure-standin ended with {status}")
