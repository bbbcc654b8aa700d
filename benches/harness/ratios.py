"""Medians, and ratios of rounds of the same turn: a machine's speed swings more from turn to turn than within one."""
import statistics

# A round is noisy when other programs, or the hypervisor, took more than this part of one CPU.
NOISE = 0.12


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def is_quiet(figures):
    return figures.get("noise", 0) <= NOISE


def quiet(turns):
    """The turns, tuples of figures, that nothing disturbed; all of them where that would leave less than half."""
    kept = [turn for turn in turns if all(map(is_quiet, turn))]
    return kept if 2 * len(kept) >= len(turns) else turns


def ratio(above, below, member):
    """The median of what each turn gives; None where one of the two has no such figure."""
    turns = [turn for turn in zip(above, below) if all(figures.get(member) for figures in turn)]
    return median(first[member] / second[member] for first, second in quiet(turns))
