"""The emulator's image and the example for GitHub Actions: what they say is what gesso takes."""

import json
import os
import pathlib
import re
import subprocess
import tempfile

from standin_az import must
from support.harness import ROOT, program
from support.venv import python_with

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
WORKFLOW = ROOT / "deploy" / "emulator" / "github-actions.yml"


def stage(name):
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    (found,) = re.findall(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", text, re.DOTALL | re.MULTILINE)
    return found


def command():
    text = stage("emulator")
    lists = {word: json.loads(found) for word, found in re.findall(r"^(ENTRYPOINT|CMD) (\[.*\])$", text, re.MULTILINE)}
    return [*lists["ENTRYPOINT"], *lists["CMD"]]


def the_default_image_is_the_service():
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", DOCKERFILE.read_text(), re.MULTILINE)
    must([name for _, name in stages] == ["build", "runtime", "emulator", "service"], stages)
    must(dict((name, base) for base, name in stages)["emulator"] == "runtime", stages)


def the_image_s_command_starts_the_emulator(build):
    """As the container would: another port and folder, since those are this machine's."""
    words = command()
    must(words[:2] == ["gesso", "localdb"], words)
    port = re.search(r"^EXPOSE (\d+)$", stage("emulator"), re.MULTILINE).group(1)
    must(words[words.index("--listen") + 1] == f":{port}", words)
    must(words[words.index("--advertise") + 1] == f"localhost:{port}", words)
    words[words.index("--listen") + 1] = ":0"
    keys = {"GESSO_LOCALDB_PRIMARY_KEY": "cHJpbWFyeQ==", "GESSO_LOCALDB_SECONDARY_KEY": "c2Vjb25kYXJ5"}
    named = set(re.findall(r"GESSO_LOCALDB_\w+", DOCKERFILE.read_text()))
    must(named == set(keys), named)
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PATH": os.environ["PATH"], "GESSO_DATA_DIR": folder, **keys}
        with program([build / "gesso", *words[1:]], r"end    Ctrl-C", env=environment) as (process, _):
            said = process.log.read_text()
            must(pathlib.Path(folder, "localdb.sock").is_socket(), "the health check looks for its socket")
            must(pathlib.Path(folder, "tls-ca.pem").is_file(), "whom to trust is where the example takes it from")
            must(f"mongodb://emulator:cHJpbWFyeQ%3D%3D@localhost:{port}/?ssl=true&replicaSet=globaldb" in said, said)
            # The example's way to the string.
            (sed,) = re.findall(r"sed -n '([^']+)'", WORKFLOW.read_text())
            taken = subprocess.run(["sed", "-n", sed], input=said, capture_output=True, text=True, check=True).stdout
            must(re.fullmatch(r"mongodb://emulator:\S+@localhost:\d+/\?\S+\n", taken), taken)


def workflow():
    code = "import json, sys, yaml; print(json.dumps(yaml.load(sys.stdin, yaml.BaseLoader)))"
    done = subprocess.run([python_with("PyYAML==6.0.3"), "-c", code], input=WORKFLOW.read_text(), capture_output=True, text=True)
    must(done.returncode == 0, done.stderr)
    return json.loads(done.stdout)


def the_workflow_is_one():
    """The keys that GitHub's syntax has for a workflow, a job and a step."""
    found = workflow()
    must(set(found) <= {"name", "on", "env", "jobs", "permissions"} and found["jobs"], found.keys())
    must(set(found["on"]) <= {"push", "pull_request", "workflow_dispatch"}, found["on"])
    for job in found["jobs"].values():
        must(set(job) <= {"name", "runs-on", "steps", "services", "env", "timeout-minutes"}, job.keys())
        for step in job["steps"]:
            must(("run" in step) != ("uses" in step), step)
            must(set(step) <= {"name", "run", "uses", "with", "env", "if", "id"}, step.keys())
            must("uses" not in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), step)


def its_shell_has_no_fault():
    for job in workflow()["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                done = subprocess.run(["shellcheck", "--norc", "--shell", "bash", "-"], input=step["run"], capture_output=True, text=True)
                must(done.returncode == 0, f"{step['name']}: {done.stdout}")


def its_options_are_gesso_s(build):
    said = subprocess.run([build / "gesso", "localdb", "--help"], capture_output=True, text=True, check=True).stdout
    text = WORKFLOW.read_text()
    (run,) = re.findall(r'"\$\{EMULATOR_IMAGE\}" (.*)$', text, re.MULTILINE)
    for option in [*re.findall(r"--[a-z-]+", run), *re.findall(r"--[a-z-]+", " ".join(command()))]:
        must(option in said, f"gesso localdb has no {option}")


TESTS = {
    "the default image is the service": the_default_image_is_the_service,
    "the workflow is one": the_workflow_is_one,
    "the workflow's shell has no fault": its_shell_has_no_fault,
}
OF_THE_PROGRAM = {
    "the emulator's image starts it": the_image_s_command_starts_the_emulator,
    "the emulator's options are gesso's": its_options_are_gesso_s,
}
