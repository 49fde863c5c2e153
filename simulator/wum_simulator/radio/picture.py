"""A picture of a run as one HTML page: who stands where, whom they send through, how long each has
been on the air, and where its frames died.

Drawn as SVG without scripts or anything from elsewhere. Left out: what was delivered (network.py).
"""

from html import escape

from wum_edge.mesh.gradient import RANK_MAX
from wum_simulator.radio.network import Network

_WIDTH, _MARGIN = 1000, 40
_STYLE = """body{font:14px sans-serif;margin:2em;color:#222}
svg{background:#fafafa;border:1px solid #ccc}
table{border-collapse:collapse}
td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}
line{stroke:#88a;stroke-width:1.2}.lost{fill:#c33;opacity:.35}.station{fill:#357}.gateway{fill:#171}
.off{fill:#bbb}text{font-size:10px;fill:#333}"""


def page(network: Network, title: str) -> str:
    """The whole page."""
    air = network.air
    hours = max(air.now_us, 1) / 3_600_000_000
    kinds = ("beacon", "ask", "poll", "data", "down", "got", "ripple", "echo", "join", "welcome")
    spent: dict[str, int] = {}
    for first, us in air.airtime_us.items():
        kind = first >> 2 & 15
        name = kinds[kind] if kind < len(kinds) else "noise"
        spent[name] = spent.get(name, 0) + us
    rows = "".join(f"<tr><th>{name}</th><td>{us / 1e6:.1f} s</td></tr>"
                   for name, us in sorted(spent.items(), key=lambda item: -item[1]))
    fates = "".join(
        f"<tr><th>{name}</th><td>{air.counts[name]}</td></tr>"
        for name in ("sent", "heard", "collided", "faded", "engaged", "abandoned", "cut"))
    return (f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title>"
            f"<style>{_STYLE}</style><h1>{escape(title)}</h1>"
            f"<p>{len(network.stations)} stations, {hours:.2f} h; green: gateways; grey: off; "
            "lines lead to the parent; the blue disc grows with time on the air, the red one with "
            f"frames that this station had begun to receive and lost.</p>{_drawing(network)}"
            f"<h2>Time on the air</h2><table>{rows}</table>"
            f"<h2>What became of frames, at each receiver</h2><table>{fates}</table>\n")


def _drawing(network: Network) -> str:
    sites = network.plan.sites
    left, low = min(site.x_m for site in sites), min(site.y_m for site in sites)
    scale = (_WIDTH - 2 * _MARGIN) / max(max(site.x_m for site in sites) - left, 1.0)
    places = [(_MARGIN + (site.x_m - left) * scale, _MARGIN + (site.y_m - low) * scale)
              for site in sites]
    height = max(y for _, y in places) + _MARGIN
    most_us = max(max(radio.law.total_us for radio in network.air.radios), 1)
    most_lost = max(max(network.air.lost_at.values(), default=1), 1)
    lines, discs = [], []
    for number, (x, y) in enumerate(places):
        relay = network.relay(number)
        kind = "off" if network.stations[number].core is None else "station"
        if relay is not None and relay.gradient.is_gateway:
            kind = "gateway"
        parent = None if relay is None else relay.gradient.parent
        if relay is not None and parent is not None and relay.gradient.rank < RANK_MAX:
            px, py = places[parent - 1]
            lines.append(f'<line x1="{x:.0f}" y1="{y:.0f}" x2="{px:.0f}" y2="{py:.0f}"/>')
        spent_us = network.air.radios[number].law.total_us
        lost = network.air.lost_at[number]
        rank = "no way" if relay is None else f"rank {relay.gradient.rank}"
        discs.append(
            f'<g><title>station {number + 1}, {rank}, {spent_us / 1e6:.1f} s on the air, {lost} '
            f'frames lost here</title><circle class="lost" cx="{x:.0f}" cy="{y:.0f}" '
            f'r="{4 + 14 * (lost / most_lost) ** 0.5:.1f}"/><circle class="{kind}" cx="{x:.0f}" '
            f'cy="{y:.0f}" r="{3 + 7 * (spent_us / most_us) ** 0.5:.1f}"/></g>')
    return (f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" role="img" '
            f'aria-label="the stations and their parents">{"".join(lines)}{"".join(discs)}</svg>')
