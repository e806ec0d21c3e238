"""Rounds of A B A B, and the rows of the table that come of them."""

import dataclasses
import statistics


@dataclasses.dataclass
class Aim:
    """What the project wants: a bound of our figure, or of the ratio."""

    of: str  # "ours" or "ratio"
    bound: str  # "at least" or "at most"
    value: float

    def met(self, row):
        figure = row.ours if self.of == "ours" else row.ratio
        return figure >= self.value if self.bound == "at least" else figure <= self.value

    def __str__(self):
        sign = ">=" if self.bound == "at least" else "<="
        return f"{'ratio ' if self.of == 'ratio' else ''}{sign} {figure(self.value)}"


def ratio_at_least(value):
    return Aim("ratio", "at least", value)


def ratio_at_most(value):
    return Aim("ratio", "at most", value)


def at_least(value):
    return Aim("ours", "at least", value)


def at_most(value):
    return Aim("ours", "at most", value)


@dataclasses.dataclass
class Row:
    """One line of the table. `ours` and `peer` are medians, `ratio` the median of the rounds'."""

    case: str
    what: str
    unit: str
    ours: float
    peer_name: str | None = None
    peer: float | None = None
    ratio: float | None = None
    lowest: float | None = None  # of the rounds' ratios, or of ours where there is no peer
    highest: float | None = None
    aim: Aim | None = None
    rounds: list = dataclasses.field(default_factory=list)  # of [ours, peer]
    details: dict = dataclasses.field(default_factory=dict)  # medians of what else was measured

    def to_json(self):
        value = dataclasses.asdict(self)
        if self.aim:
            value["aim"] = {**dataclasses.asdict(self.aim), "text": str(self.aim), "met": self.aim.met(self)}
        return value


def alternate(rounds, ours, peer):
    """`rounds` pairs of what the two functions return, in turn."""
    return [(ours(), peer()) for _ in range(rounds)]


def medians(samples):
    """The medians of the numbers that all of the samples have."""
    names = [name for name, value in samples[0].items() if isinstance(value, (int, float))]
    return {name: statistics.median(sample[name] for sample in samples) for name in names}


def row(case, what, unit, pairs, key, peer_name, aim=None, scale=1, peer_key=None):
    """A row from pairs of samples; `key` names the figure of a sample that counts."""
    rounds = [[ours[key] * scale, peer[peer_key or key] * scale] for ours, peer in pairs]
    ratios = [ours / peer if peer else float("inf") for ours, peer in rounds]
    return Row(
        case=case,
        what=what,
        unit=unit,
        ours=statistics.median(ours for ours, _ in rounds),
        peer_name=peer_name,
        peer=statistics.median(peer for _, peer in rounds),
        ratio=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        aim=aim,
        rounds=rounds,
        details={
            "ours": medians([ours for ours, _ in pairs]),
            "peer": medians([peer for _, peer in pairs]),
        },
    )


def figure(value):
    """Three digits that count, whole numbers from a hundred on."""
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(rows):
    """Rows as dictionaries (`Row.to_json`) to the lines of a Markdown table."""
    lines = [
        "| case | what | unit | ours | peer | | ratio | lowest .. highest | aim | |",
        "|---|---|---|--:|--:|---|--:|---|---|---|",
    ]
    for one in rows:
        aim = one["aim"]
        spread = f"{figure(one['lowest'])} .. {figure(one['highest'])}" if one["lowest"] is not None else ""
        cells = [
            one["case"], one["what"], one["unit"], figure(one["ours"]), figure(one["peer"]),
            one["peer_name"] or "", figure(one["ratio"]), spread,
            aim["text"] if aim else "", ("met" if aim["met"] else "not met") if aim else "",
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines
