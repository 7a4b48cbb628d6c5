"""How long scoring a recording takes, against a loop over rows and against a floor.

    python benchmarks/diagnosis_scoring.py [--recording FILE]

Peer: the same steps written with pandas and a loop over rows, as the replaced system
does them; left out where pandas is not installed (pip install pandas). Floor: reading
the same CSV with polars and writing it again, nothing in between. Both see the same
bytes in memory, one minute's recording repeated; the best of several runs counts.
"""

import argparse
import io
import sys
import time
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from diagnosis import scoring, synthetic

try:
    import pandas as pd
except ImportError:
    pd = None

REPEATS = [1, 12, 47]  # of 4,320 rows, or of a FILE's
SLOWER, NEAR = 30, 3  # at the largest size: times the peer, times the floor


def row_loop(raw):
    """Return the processed CSV, made as one would at first."""
    df = pd.read_csv(io.BytesIO(raw))
    moments = pd.to_datetime(df["current_time"], format="%Y-%m-%d %H:%M:%S.%f")
    df["timestamp"] = moments.apply(lambda moment: moment.timestamp())
    mark = df["timestamp"].iloc[0]
    events, spans = [None], [None]
    for i in range(1, len(df)):
        before, after = df["State"].iloc[i - 1], df["State"].iloc[i]
        event = span = None
        if after != before:
            event = "Success" if after > before else "Fail"
            span = f"{df['timestamp'].iloc[i] - mark}ms"
            if event == "Fail":
                mark = df["timestamp"].iloc[i]
        events.append(event)
        spans.append(span)
    df["event"], df["spend_time"] = events, spans
    df["time (second)"] = df["timestamp"] - df["timestamp"].iloc[0]
    df = df.drop(columns="timestamp")
    return df[sorted(df.columns)].to_csv(index=False).encode()


def read_and_write(raw):
    buffer = io.BytesIO()
    pl.read_csv(raw).write_csv(buffer)
    return buffer.getvalue()


def ours(raw):
    return scoring.score("BALANCEBALL", raw).csv


def seconds(function, raw):
    start = time.perf_counter()
    function(raw)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recording", type=Path, help="a BALANCEBALL recording")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    if options.recording:
        recording = options.recording.read_bytes()
    else:
        recording = synthetic.recording("BALANCEBALL", seconds=60, seed=1)
    header, _newline, body = recording.partition(b"\n")
    reached = True
    for repeats in REPEATS:
        raw = header + b"\n" + body * repeats
        # In turns, so that a neighbour on the machine disturbs both alike.
        times = [
            (seconds(ours, raw), seconds(read_and_write, raw))
            for _run in range(options.runs)
        ]
        mine, floor = (min(column) for column in zip(*times, strict=True))
        line = (
            f"{len(body.splitlines()) * repeats:>8,} rows: {mine * 1000:6.1f} ms,"
            f" {mine / floor:.1f} times the floor ({floor * 1000:.1f} ms)"
        )
        near = mine <= NEAR * floor
        if pd is not None:
            peer = seconds(row_loop, raw)
            assert row_loop(raw) == ours(raw), "the two do not make the same file"
            line += f"; the row loop takes {peer:.2f} s, {peer / mine:.0f} times ours"
            near = near and peer >= SLOWER * mine
        print(line)
        reached = near
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
