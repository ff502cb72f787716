"""The soak: how much memory the receiver holds after it has worked for long."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.receiving.candidates import CANDIDATES
from bench.receiving.rounds import Bench, progress, sound

#: How often we look, in seconds.
_LOOK = 5.0


@dataclass(frozen=True)
class Memory:
    """Bytes of memory (RSS) at the start, half-way, at the end, and the most in between."""

    start: int
    half: int
    end: int
    peak: int


def soaked(bench: Bench, *, seconds: float, rate: float) -> Memory:
    """
    The memory of a receiver that accepts and works at that *rate* for so many *seconds*.

    Raises:
        MeasurementError: if an attempt was not answered 202, or one answered so is not stored.
        SetupError: if the receiver does not start.
    """
    candidate = CANDIDATES["working"]
    with bench.empty("soak") as folder, candidate.running(folder, bench.cores) as server:
        load = bench.pressure(server)
        # What it loads and allocates for its first deliveries is no growth.
        sound(load.press(rate=rate, seconds=max(bench.warm, 0.1)), server)
        held = [server.memory()]
        looks = max(1, math.ceil(seconds / _LOOK))
        for look in range(looks):
            before = server.last()
            # Nobody asks how long answers took, and it may go on for hours.
            sound(load.press(rate=rate, seconds=seconds / looks, exactly=False), server, before)
            held.append(server.memory())
            if look % 12 == 0:
                so_far, mebibytes = (look + 1) * seconds / looks, held[-1] / 2**20
                progress(f"soaked for {so_far:.0f} of {seconds:.0f} s: {mebibytes:.0f} MiB")
    return Memory(held[0], held[len(held) // 2], held[-1], max(held))
