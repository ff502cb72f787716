import pytest

from bench.receiving.figures import Cpu, Drain, Failure, Pace, Round, Spread
from bench.receiving.page import Found, page
from bench.receiving.soak import Memory

TITLES = {
    "sqlite": "reference",
    "forgetful": "forgetful",
    "postgres": "on PostgreSQL",
    "postgres-apart": "PostgreSQL apart",
}


def a_round(rate, p99=10.0, cpu=100.0, database=0.0):
    return Round(rate, Cpu(cpu, database), Spread(5.0, p99, 30.0), Spread(1.0, 2.0, 3.0))


@pytest.fixture
def found():
    return Found(TITLES, machine=["2 cores"], method="64 connections")


def test_a_row_shows_the_medians_of_a_candidate(found):
    found.rounds = {"sqlite": [a_round(1000), a_round(3000), a_round(2000)]}
    (row,) = [line for line in page(found).splitlines() if line.startswith("| reference")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        "reference",
        "2,000",
        "100",
        *["5.00", "10.00", "30.00", "1.00", "2.00", "3.00"],
    ]


def test_all_lines_of_the_table_are_of_one_width(found):
    found.rounds = {"sqlite": [a_round(123456)], "forgetful": [Failure("1 x status 503")]}
    assert len({len(line) for line in page(found).splitlines() if line.startswith("|")}) == 1


def test_a_round_that_failed_is_told_and_counts_for_nothing(found):
    found.rounds = {"sqlite": [a_round(1000), Failure("2 x status 503")]}
    told = page(found)
    assert "- Round 2 of reference failed: 2 x status 503." in told
    assert "| 1,000" in " ".join(told.split())


def test_a_candidate_without_a_good_round_has_no_figures(found):
    found.rounds = {"sqlite": [Failure("connection lost")], "forgetful": [a_round(10)]}
    told = page(found)
    assert "failed |" in told
    assert "- SQLite / stores nothing >= 0.5: not measured" in told


def test_who_is_left_out_is_told_with_the_reason(found):
    found.left_out = {"postgres": "psycopg is not installed"}
    assert "- Left out: on PostgreSQL: psycopg is not installed." in page(found)


def test_targets_compare_medians(found):
    found.rounds = {"sqlite": [a_round(6000, p99=21.0)], "forgetful": [a_round(10000, cpu=70)]}
    paces = [(6000, 2000), (4000, 2000), (8000, 4100)]
    found.drained = {
        "sqlite": [Drain(Pace(came, Cpu(100)), Pace(went, Cpu(150))) for came, went in paces]
    }
    told = page(found).splitlines()
    assert "- SQLite / stores nothing >= 0.5: 0.60, met (by CPU 0.70)" in told
    assert "- SQLite, p99 at saturation <= 20 ms: 21.00 ms, MISSED" in told
    assert f"- drain / accept, {found.titles['sqlite']} >= 1: 0.50, MISSED (by CPU 0.67)" in told
    drained = (
        "drained 2,000 deliveries a second, 150 us of CPU each, which had come at 6,000 a second"
    )
    assert any(drained in line for line in told)


def test_the_database_s_part_is_told_beside_the_receiver_s(found):
    found.rounds = {"postgres": [a_round(7000, cpu=90.4, database=39.6)]}
    paces = (Pace(7000, Cpu(90, 40)), Pace(6000, Cpu(100, 60)))
    found.drained = {"postgres": [Drain(*paces)]}
    told = page(found)
    assert "| 90 + 40 |" in " ".join(told.split())
    assert "100 + 60 us of CPU each, which had come at 7,000 a second, 90 + 40 us each" in told


@pytest.mark.parametrize(("key", "share"), [("postgres", "0.50"), ("postgres-apart", "0.75")])
def test_a_database_with_a_core_of_its_own_uses_none_of_the_servers(found, key, share):
    found.rounds = {
        key: [a_round(7000, cpu=80, database=40)],
        "forgetful": [a_round(10000, cpu=60)],
    }
    assert f">= 0.5: 0.70, met (by CPU {share})" in page(found)
    found.drained = {key: [Drain(Pace(7000, Cpu(60, 20)), Pace(7000, Cpu(80, 80)))]}
    assert f"{TITLES[key]} >= 1: 1.00, met (by CPU {share})" in page(found)


def test_rows_and_memory_are_told_when_they_were_measured(found):
    found.rows, found.few, found.many = 200_000, Spread(1, 10, 20), Spread(1, 11, 21)
    found.soak_seconds, found.soak_rate = 30, 500
    found.memory = Memory(64 * 2**20, 65 * 2**20, 66 * 2**20, 70 * 2**20)
    told = page(found)
    assert "- p99 with 200,000 rows / with 10,000 <= 1.2: 1.10, met" in told
    assert "64 MiB at the start, 65 half-way, 66 at the end, 70 at most." in told


def test_what_was_not_asked_for_is_not_promised(found):
    assert "rows" not in page(found)
