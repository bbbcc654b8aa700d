"""From rounds to rows: medians, spread, ratios, bars; the table on the screen and the files."""
import json
import statistics

from .catalogue import PEERS, QUEUES, REACTOR
from .rounds import NOISE

# The members of results.json; details.json has all.
MEMBERS = ["workload", "contestant", "median", "unit", "ratio_epoll", "ratio_libuv", "cpu_ns", "cpu_ratio_epoll",
           "syscalls", "rounds"]
OUR_MEMBERS = ["bar", "bar_ratio"]


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def summarise(workload, contestant, rounds, syscalls):
    quiet = [figures for figures in rounds if figures["noise"] <= NOISE]
    noisy = len(rounds) - len(quiet)
    if 2 * len(quiet) >= len(rounds):  # else the median of all says more than that of a few
        rounds = quiet
    values = [figures["value"] for figures in rounds]
    row = {"workload": workload.name, "contestant": contestant, "median": median(values), "unit": workload.unit,
           "min": min(values), "max": max(values), "rounds": len(rounds), "noisy_rounds": noisy,
           "cpu_ns": median([figures.get("cpu_ns") for figures in rounds]), "syscalls": syscalls,
           "syscalls_per_mb": None if syscalls is None else syscalls * 1e6 / workload.size}
    for peer in PEERS:
        row[f"ratio_{peer}"] = row[f"cpu_ratio_{peer}"] = None
    return row


def quotient(above, below):
    return above / below if above is not None and below else None


def compare(workload, rows):
    by_name = {row["contestant"]: row for row in rows}
    if workload.kind == "queue":
        rows = subtract_reactor(rows, by_name)
    for row in rows:
        for peer in PEERS:
            other = by_name.get(peer)
            if other is not None:
                pair = (row["median"], other["median"])
                row[f"ratio_{peer}"] = quotient(*(reversed(pair) if workload.less_is_better else pair))
                row[f"cpu_ratio_{peer}"] = quotient(other["cpu_ns"], row["cpu_ns"])
        if row["contestant"].startswith("chromesock"):
            judge(row, workload.bars.get(row["contestant"], []))
    return rows


def subtract_reactor(rows, by_name):
    base = by_name.get(REACTOR)
    rows = [row for row in rows if row["contestant"] in QUEUES and base is not None]
    for row in rows:
        for member in ("median", "min", "max"):
            row[member] = max(row[member] - base["median"], 0)
    return rows


def judge(row, bars):
    """Of several bars the one that is furthest from being held is the row's; `bars` in details.json are all."""
    judged = [{"text": bar.text, "bound": bar.bound, "ratio": bar.ratio(row)} for bar in bars]
    worst = min(judged, key=lambda bar: -1 if bar["ratio"] is None else bar["ratio"], default=None)
    row.update(bars=judged, bar=worst and worst["bound"], bar_ratio=worst and worst["ratio"])


def number(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def large(value):
    return number(value, "{:.0f}" if value is not None and value >= 100 else "{:.2f}")


HEADER = (f"{'workload':<21}{'contestant':<20}{'median':>10} {'unit':<13}{'min':>10} -{'max':>9}{'/epoll':>8}"
          f"{'/libuv':>8}{'cpu ns':>10}{'/epoll':>8}{'/libuv':>8}{'syscalls':>10}  bars")


def print_row(row):
    verdicts = "; ".join(f"{bar['text']}: " + (
        "not measured" if bar["ratio"] is None else "held" if bar["ratio"] >= 1 else f"MISSED ({bar['ratio']:.2f})")
        for bar in row.get("bars", []))
    noisy = f"  ({row['noisy_rounds']} noisy)" if row["noisy_rounds"] else ""
    print(f"{row['workload']:<21}{row['contestant']:<20}{large(row['median']):>10} {row['unit']:<13}"
          f"{large(row['min']):>10} -{large(row['max']):>9}{number(row['ratio_epoll']):>8}"
          f"{number(row['ratio_libuv']):>8}{large(row['cpu_ns']):>10}{number(row['cpu_ratio_epoll']):>8}"
          f"{number(row['cpu_ratio_libuv']):>8}{number(row['syscalls'], '{:.3f}'):>10}  {verdicts}{noisy}".rstrip(),
          flush=True)


def write(rows, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    picked = [{member: row[member] for member in MEMBERS + (OUR_MEMBERS if "bar" in row else [])} for row in rows]
    path.write_text(json.dumps(picked, indent=1) + "\n")
    path.with_name("details.json").write_text(json.dumps(rows, indent=1) + "\n")


def print_bars(rows):
    bars = [(row, bar) for row in rows for bar in row.get("bars", [])]
    held = [bar for _, bar in bars if bar["ratio"] is not None and bar["ratio"] >= 1]
    print(f"bars: {len(held)} of {len(bars)} held")
    for row, bar in bars:
        if bar["ratio"] is None or bar["ratio"] < 1:
            what = "not measured" if bar["ratio"] is None else f"at {bar['ratio']:.2f} of it"
            print(f"  missed: {row['workload']}, {row['contestant']}: {bar['text']}, {what}")
