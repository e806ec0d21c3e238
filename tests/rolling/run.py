#!/usr/bin/env python3
"""A rolling restart: two instances behind HAProxy, ended by SIGTERM and started again one after the
other, several times, under load. No request fails, no event stream breaks, every credit is accounted
for, and every request that was answered is in the usage log. Then the same with `kill -9`, where
requests may fail: the credits must be exact all the same."""

import asyncio
import os
import pathlib
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from support.harness import Checks, build_folder
from support.load import Client
from support.vaulted import reexec_with_pymongo, until

RESTARTS = int(os.environ.get("GESSO_TEST_RESTARTS", "8"))
KILLS = int(os.environ.get("GESSO_TEST_KILLS", "6"))
RATE = 150  # of requests that users and workers begin, a second
MOST = 40  # that wait for an answer; event streams are among them
BETWEEN = 100  # requests between two restarts


async def restart(platform, load, times, how):
    """One instance after the other; each is up again before the next one goes."""
    outcomes, loop = [], asyncio.get_running_loop()
    for number in range(times):
        wanted = load.tally.count + BETWEEN
        while load.tally.count < wanted:
            await asyncio.sleep(0.02)
        instance = platform.instances[number % len(platform.instances)]
        outcomes.append(await loop.run_in_executor(None, instance.end, how))
        await loop.run_in_executor(None, instance.start)
        await loop.run_in_executor(None, platform.wait_until_all_are_up)
    return outcomes


async def finish(users):
    """Workers take what still waits, so that every event stream ends."""
    while users.platform.database.generations.count_documents({"status": {"$in": ["pending", "processing"]}}):
        await users.work()


async def live(platform, times, how):
    """The load with so many restarts in it; the users, the load, and how the instances ended."""
    client = Client("127.0.0.1", platform.port)
    users = Users(client, platform)
    await users.enter()
    load = users.load()
    restarts = asyncio.ensure_future(restart(platform, load, times, how))
    running = asyncio.ensure_future(load.open_loop(RATE, lambda: not restarts.done(), MOST))
    outcomes = await restarts
    if load.tally.failures:
        running.cancel()  # a stream may wait for what was lost, until its lease ends
    else:
        await asyncio.gather(finish(users), running)
    client.close()
    return users, load, outcomes


def credits_are_exact(checks, platform, name):
    until(platform.is_settled, "the sweep resolves what is open", 120)
    wrong = [one for one in platform.accounts() if one[1] + one[2] != GRANT]
    checks.check(f"{name}: granted is left and spent, for every user", not wrong, wrong)
    checks.check(f"{name}: something was spent", all(spent for _, _, spent in platform.accounts()))


def rolling(build, checks):
    with platform_of(build) as platform:
        started = time.monotonic()
        users, load, outcomes = asyncio.run(live(platform, RESTARTS, signal.SIGTERM))
        seconds = time.monotonic() - started
        ends = [instance.end() for instance in platform.instances]
        tally = load.tally
        checks.check("no request failed", not tally.failures, f"{len(tally.failures)}: " + "\n".join(tally.failures[:10]))
        checks.check("everything was asked for", set(tally.times) == set(load.kinds), set(tally.times))
        checks.check("event streams went on over the restarts", users.watched > RESTARTS, users.watched)
        bad = [status for status, _ in [*outcomes, *ends] if status != 0]
        checks.check("every instance ended well", not bad, bad)
        credits_are_exact(checks, platform, "restarts")
        logged, answered = platform.logged(), users.answered
        checks.check("what was answered is in the usage log", not answered - logged, list((answered - logged).items())[:5])
        # What had no answer, or was not waited for any more, may stand there.
        checks.check("and nothing else is", tally.failures or not logged - answered, list((logged - answered).items())[:5])
        lost = [line for one in platform.instances for line in one.log.read_text().splitlines() if " were lost" in line]
        checks.check("no instance lost entries of it", not lost, lost)
        print(f"report: {tally.count} requests in {seconds:.0f} s over {RESTARTS} restarts: {len(tally.failures)} failed, "
              f"p99 {1e3 * tally.quantile(0.99, ['look', 'list', 'make']):.0f} ms; "
              f"an instance ends within {max(took for _, took in outcomes):.1f} s")


def killed(build, checks):
    with platform_of(build) as platform:
        _, load, outcomes = asyncio.run(live(platform, KILLS, signal.SIGKILL))
        checks.check("the instances were killed", {status for status, _ in outcomes} == {-signal.SIGKILL}, outcomes)
        credits_are_exact(checks, platform, "kills")
        print(f"report: {load.tally.count} requests over {KILLS} kills: {len(load.tally.failures)} failed")


def main():
    build, checks = build_folder(), Checks()
    checks.run("rolling restart", rolling, build, checks)
    checks.run("kill -9", killed, build, checks)
    checks.close()


reexec_with_pymongo()
from platform_under_load import GRANT, Users  # noqa: E402  (pymongo is there now)
from platform_under_load import platform as platform_of  # noqa: E402

main()
