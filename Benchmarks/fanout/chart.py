"""The chart: CPU time a delivery, a bar for each server, a group for each number of sockets."""

from servers import SERVERS
from targets import CPU

WIDTH, LEFT, RIGHT, BAR, GAP, GROUP, TOP = 880, 280, 180, 20, 6, 46, 84
OURS, FLOOR, OTHERS, INK, PALE = "#c2410c", "#475569", "#94a3b8", "#0f172a", "#64748b"


def text(x, y, words, size=13, fill=INK, anchor="start", weight="normal"):
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" font-weight="{weight}">{words}</text>'


def color(key):
    return OURS if key == "crier" else FLOOR if key.startswith("floor") else OTHERS


def draw(results):
    """The SVG's text."""
    groups = {}
    for run in results.runs("fanout"):
        groups.setdefault(run["case"]["sockets"], set()).add(run["server"])
    parts, y, longest = [], TOP, 0.0
    figures = {
        size: sorted(((results.median("fanout", key, CPU, sockets=size), key) for key in keys))
        for size, keys in groups.items()
    }
    longest = max((value for bars in figures.values() for value, _ in bars), default=1)
    for size, bars in sorted(figures.items()):
        parts.append(text(24, y, f"{size:,} sockets", 15, weight="bold"))
        y += 12
        for value, key in bars:
            length = max(2, value / longest * (WIDTH - LEFT - RIGHT))
            weight = "bold" if key == "crier" else "normal"
            parts.append(text(LEFT - 10, y + BAR - 5, SERVERS[key].title, anchor="end", weight=weight))
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" fill="{color(key)}"/>')
            rate = results.median("fanout", key, "deliveries_per_second", sockets=size)
            parts.append(text(LEFT + length + 8, y + BAR - 5, f"{value:.2f} µs", weight=weight))
            parts.append(text(LEFT + length + 70, y + BAR - 5, f"{rate / 1e6:.2f} M/s", 12, PALE))
            y += BAR + GAP
        y += GROUP - GAP - 12
    height = y - GROUP + 60
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" '
        'font-family="system-ui, sans-serif" role="img" aria-label="Server CPU time a delivery, by server and number of sockets">',
        f'<rect width="{WIDTH}" height="{height:.0f}" rx="8" fill="#ffffff"/>',
        text(24, 34, "Server CPU time a delivery (less is better)", 18, weight="bold"),
        text(24, 54, "and deliveries a second; one core, 8 alerts in flight, frames of the same length", 13, PALE),
    ]
    return "\n".join([*head, *parts, "</svg>", ""])
