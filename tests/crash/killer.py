"""
The killer: SIGKILL to a process at a random moment, then the same command again.

Mostly one process; sometimes all at once, sometimes one twice in a row, the second time while it
starts.
"""

import time

#: Seconds to wait for the load to come through again before the next kill falls all the same.
_LULL = 5.0


def kill_at_random(deployment, chance, kills, *, delay=0.5):
    """
    Kill *kills* times, each after a *delay* of so many seconds at most; all run in the end.

    A kill counts once per process.  Before each one something was acknowledged since the last, so
    that no kill falls on an idle deployment.
    """
    done = 0
    while done < kills:
        deployment.history.wait(1, _LULL)
        time.sleep(chance.random() * delay)
        lot, left = chance.random(), kills - done
        if lot < 0.15 and 1 < len(deployment.processes) <= left:
            done += _together(deployment)
        elif lot < 0.35 and left > 1:
            done += _twice(deployment, chance)
        else:
            victim = chance.choice(deployment.processes)
            victim.kill()
            deployment.restart(victim)
            done += 1
    deployment.history.wait(1, _LULL)
    return done


def _together(deployment):
    for process in deployment.processes:
        process.kill()
    deployment.restart()
    return len(deployment.processes)


def _twice(deployment, chance):
    victim = chance.choice(deployment.processes)
    victim.kill()
    victim.start()
    # Anywhere between the interpreter's first line and the first delivery.
    time.sleep(chance.random() * 1.2)
    victim.kill()
    deployment.restart(victim)
    return 2
