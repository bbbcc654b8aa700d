"""From rounds to rows: medians, spread, ratios, bars; the table on the screen and the files."""
import json

from .catalogue import PEERS, QUEUES, REACTOR
from .ratios import is_quiet, median, quiet, ratio

# The members of results.json; details.json has all.
MEMBERS = ["workload", "contestant", "median", "unit", "ratio_epoll", "ratio_libuv", "cpu_ns", "cpu_ratio_epoll",
           "syscalls", "rounds"]
OUR_MEMBERS = ["bar", "bar_ratio"]


def summarise(workload, contestant, rounds, syscalls):
    kept = [figures for figures, in quiet([(figures,) for figures in rounds])]
    values = [figures["value"] for figures in kept]
    row = {"workload": workload.name, "contestant": contestant, "median": median(values), "unit": workload.unit,
           "min": min(values), "max": max(values), "rounds": len(kept),
           "noisy_rounds": sum(not is_quiet(figures) for figures in rounds), "all_rounds": rounds,
           "cpu_ns": median(figures.get("cpu_ns") for figures in kept), "syscalls": syscalls,
           "syscalls_per_mb": None if syscalls is None else syscalls * 1e6 / workload.size}
    for peer in PEERS:
        row[f"ratio_{peer}"] = row[f"cpu_ratio_{peer}"] = None
    return row


def compare(workload, rows):
    by_name = {row["contestant"]: row for row in rows}
    if workload.kind == "queue":
        rows = subtract_reactor(rows, by_name)
    for row in rows:
        for peer in PEERS:
            other = by_name.get(peer)
            if other is not None:
                pair = (row["all_rounds"], other["all_rounds"])
                row[f"ratio_{peer}"] = ratio(*(reversed(pair) if workload.less_is_better else pair), "value")
                row[f"cpu_ratio_{peer}"] = ratio(*reversed(pair), "cpu_ns")
    for row in rows:
        if row["contestant"].startswith("chromesock"):
            judge(row, workload.bars.get(row["contestant"], []), by_name)
    return rows


def is_noisy(row):
    return 2 * row["noisy_rounds"] > len(row["all_rounds"])


def subtract_reactor(rows, by_name):
    base = by_name.get(REACTOR)
    rows = [row for row in rows if row["contestant"] in QUEUES and base is not None]
    for row in rows:
        for member in ("median", "min", "max"):
            row[member] = max(row[member] - base["median"], 0)
    return rows


def judge(row, bars, by_name):
    """Of several bars the one that is furthest from being held is the row's; `bars` in details.json are all."""
    judged = [{"text": bar.text, "bound": bar.bound, "ratio": bar.ratio(row), "limit": bar.limit,
               "limit_ratio": bar.limit in by_name and bar.ratio(by_name[bar.limit]) or None} for bar in bars]
    worst = min(judged, key=lambda bar: -1 if bar["ratio"] is None else bar["ratio"], default=None)
    row.update(bars=judged, bar=worst and worst["bound"], bar_ratio=worst and worst["ratio"])


def number(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def large(value):
    return number(value, "{:.0f}" if value is not None and value >= 100 else "{:.2f}")


HEADER = (f"{'workload':<21}{'contestant':<20}{'median':>10} {'unit':<13}{'min':>10} -{'max':>9}{'/epoll':>8}"
          f"{'/libuv':>8}{'cpu ns':>10}{'/epoll':>8}{'/libuv':>8}{'syscalls':>10}  bars")


def is_held(bar):
    return bar["ratio"] is not None and bar["ratio"] >= 1


def verdict(bar):
    return "not measured" if bar["ratio"] is None else "held" if is_held(bar) else f"MISSED ({bar['ratio']:.2f})"


def print_row(row):
    verdicts = "; ".join(f"{bar['text']}: {verdict(bar)}" for bar in row.get("bars", []))
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
    print(f"bars: {sum(is_held(bar) for _, bar in bars)} of {len(bars)} held")
    for row, bar in bars:
        if not is_held(bar):
            what = "not measured" if bar["ratio"] is None else f"at {bar['ratio']:.2f} of it"
            limit = f", where {bar['limit']} is at {bar['limit_ratio']:.2f}" if bar["limit_ratio"] is not None else ""
            noisy = f" (most of {len(row['all_rounds'])} rounds were noisy)" if is_noisy(row) else ""
            print(f"  missed: {row['workload']}, {row['contestant']}: {bar['text']}, {what}{limit}{noisy}")
