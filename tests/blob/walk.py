"""`gesso serve` with its images in Azure Blob Storage, by a managed identity: painted, shown by
links, deleted, swept, and gone with an account."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

from support.app_service import app_service
from support.harness import program
from support.painting import PASSWORD, Refused, User, files_of, serving, until

AUDIENCE = "https://storage.azure.com"


def identity(bearer):
    """The platform's endpoint, with this token for whoever asks for one of Azure Storage."""
    return app_service(lambda resource: (bearer, int(time.time()) + 3600) if resource.rstrip("/") == AUDIENCE else None)


@contextlib.contextmanager
def stopped(process):
    """A server that is there and says nothing."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def names_in(probe, prefix="generations/"):
    return [one.split(":")[0] for one in probe("list", prefix, "-", "1000").split()]


def painted(checks, service, fetch, probe, folder, url):
    user = User(service, "ada")
    done = user.wait(user.post(image_size="1024x1024", num_images=2))
    checks.check("a picture is painted", done["status"] == "completed", done)
    links = done["blob_urls"] + done["thumbnail_urls"]
    checks.check("its links lead to the container", all(link.startswith(url + "/") for link in links), links)
    large = [fetch(link) for link in done["blob_urls"]]
    small = [fetch(link) for link in done["thumbnail_urls"]]
    shown = [(status, body[:4], headers["content-type"]) for status, body, headers in large + small]
    wanted = [(200, b"\x89PNG", "image/png")] * 2 + [(200, b"RIFF", "image/webp")] * 2
    checks.check("the links open pictures and their thumbnails", shown == wanted, shown)
    checks.check("an address without its signature opens nothing", fetch(links[0].split("?")[0])[0] in (401, 403, 404))
    checks.check("nothing of them is on this disk", files_of(folder) == [], files_of(folder))
    checks.check("the container has them", len(names_in(probe, f"generations/{done['id']}/")) == 4, names_in(probe))
    page = http_headers(f"{service}/console")["content-security-policy"]
    origin = "/".join(url.split("/")[:3])
    checks.check("the console may show them", f"{origin};" in page.split("img-src", 1)[1], page)
    return user, done


def http_headers(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}


def deleted(checks, user, done, azurite, fetch, probe):
    """A store that does not answer keeps nobody waiting but who deletes: no connection is held for it."""
    ended = []
    with stopped(azurite):
        deleting = threading.Thread(target=lambda: ended.append(user.ask(f"/generations/{done['id']}", "DELETE", raw=True)))
        deleting.start()

        def is_gone():
            with contextlib.suppress(Refused):
                user.ask(f"/generations/{done['id']}")
                return False
            return True

        until(is_gone)
        # A write, on the one connection that there is.
        user.ask("/users/me", "PATCH", {"full_name": "Ada"})
        checks.check("others are served while images are being removed", deleting.is_alive() and not ended)
        user.ask("/generations")
        checks.check("links are made without asking anybody", deleting.is_alive() and not ended)
    deleting.join(60)
    until(lambda: not names_in(probe, f"generations/{done['id']}/"))
    checks.check("images and thumbnails go with their generation", fetch(done["blob_urls"][0])[0] == 404)


def account(checks, service, probe, fetch):
    users = [User(service, name) for name in ("bob", "eve")]
    done = [user.wait(user.post(image_size="1024x1024")) for user in users]
    users[0].ask("/users/me/delete", "POST", {"password": PASSWORD}, raw=True)
    until(lambda: not names_in(probe, f"generations/{done[0]['id']}/"))
    checks.check("the images of a deleted account go", fetch(done[0]["thumbnail_urls"][0])[0] == 404)
    checks.check("and nobody else's", fetch(done[1]["thumbnail_urls"][0])[0] == 200)
    return done[1]


def orphans(checks, service, probe, kept, file):
    strays = ["generations/gen_01J00000000000000000000000/0.png", "generations/doctor-0011223344556677/probe.txt"]
    for name in strays:
        checks.check(f"{name} is put there", probe("put", name, "image/png", file) == "created")
    until(lambda: not set(strays) & set(names_in(probe)))
    names = names_in(probe, f"generations/{kept['id']}/")
    checks.check("the sweep takes what is nobody's, and nothing else", len(names) == 2, names)


def worker(checks, build, folder, settings, fetch):
    """`gesso work` beside a service that leaves the painting to it."""
    with serving(build, folder, **settings, GESSO_WORKER_PARALLEL="0") as (_, service):
        command = [build / "gesso", "work", "--data-dir", folder]
        user = User(service, "kim")
        made = user.post(image_size="1024x1024")
        with program(command, r"^Gesso \S+ works$", env={**os.environ, **settings}):
            done = user.wait(made)
        checks.check("gesso work keeps them there too", fetch(done["blob_urls"][0])[1][:4] == b"\x89PNG", done)


def doctor(checks, build, folder, settings, bearer, refused, probe):
    def asked(variables):
        said = subprocess.run([build / "gesso", "doctor", "--json", "--data-dir", folder], capture_output=True,
                              text=True, env={**os.environ, **settings, **variables}, timeout=120)  # fmt: skip
        (images,) = [one for one in json.loads(said.stdout)["checks"] if one["name"] == "images"]
        return images, said.stdout

    before = names_in(probe)
    images, _ = asked({})
    checks.check("doctor finds that images can be kept", images["status"] == "ok", images)
    checks.check("and leaves nothing behind", names_in(probe) == before)
    images, _ = asked({"GESSO_IMAGE_CONTAINER_URL": settings["GESSO_IMAGE_CONTAINER_URL"][:-6] + "none-such"})
    checks.check("doctor says that there is no container", images["status"] == "FAIL" and "az storage container create" in images["advice"], images)
    with identity(refused) as other:
        images, said = asked(other.environment())
        checks.check("doctor says what is refused", images["status"] == "FAIL" and "Storage Blob Data Contributor" in images["found"], images)
        checks.check("and shows no token", refused not in said and bearer not in said)


def walk(checks, build, url, cert, azurite, probe, fetch, bearer, refused):
    """`refused` is a token that the container does not take."""
    with tempfile.TemporaryDirectory() as folder, identity(bearer) as platform:
        settings = {**platform.environment(), "GESSO_IMAGE_CONTAINER_URL": url, "GESSO_AZURE_CA_FILE": str(cert),
                    "GESSO_MONGODB_POOL_SIZE": "1", "GESSO_MONGODB_WARM_MINIMUM": "1"}  # fmt: skip
        # What is removed at once is not the orphan sweep's doing here.
        with serving(build, folder, **{**settings, "GESSO_IMAGE_GRACE": "1h"}) as (_, service):
            user, done = painted(checks, service, fetch, probe, folder, url)
            deleted(checks, user, done, azurite, fetch, probe)
            kept = account(checks, service, probe, fetch)
        with serving(build, folder, **{**settings, "GESSO_IMAGE_GRACE": "1s"}) as (_, service):
            picture = os.path.join(folder, "stray.png")
            with open(picture, "wb") as file:
                file.write(b"\x89PNG stray")
            orphans(checks, service, probe, kept, picture)
        doctor(checks, build, folder, settings, bearer, refused, probe)
        worker(checks, build, folder, settings, fetch)
