"""What a terminal showed, as an SVG picture that plays by itself."""

from html import escape

CELL_WIDTH, CELL_HEIGHT, MARGIN, BAR = 8, 17, 14, 26
GROUND, INK, BORDER = "#16191d", "#d7dbe0", "#7d8590"
COLOURS = {
    "default": None, "black": "#000000", "red": "#ef6b73", "green": "#8cc570", "brown": "#e0b45c",
    "yellow": "#e0b45c", "blue": "#6cb2eb", "magenta": "#c58af9", "cyan": "#5cc6c6", "white": "#aaaaaa",
    "brightwhite": "#ffffff", "brightblack": "#7d8590",
}
# Drawn, not written: a font leaves gaps between the lines of a QR code.
BLOCKS = {"█": (0, 1), "▀": (0, 0.5), "▄": (0.5, 1)}


def colour(name, otherwise):
    if name in COLOURS:
        return COLOURS[name] or otherwise
    return f"#{name}"


def colours(cell):
    ink, ground = colour(cell.fg, INK), colour(cell.bg, GROUND)
    return (ground, ink) if cell.reverse else (ink, ground)


def number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


class Shapes:
    """Rectangles of one colour each, gathered into one path a colour."""

    def __init__(self):
        self.paths = {}

    def add(self, fill, x, y, width, height):
        corner = f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h-{number(width)}z"
        self.paths.setdefault(fill, []).append(corner)

    def svg(self):
        return "".join(
            f'<path shape-rendering="crispEdges" fill="{fill}" d="{"".join(parts)}"/>' for fill, parts in self.paths.items()
        )


def runs(row, key):
    """The columns of a row that are alike, as (first, last + 1, key)."""
    begin = 0
    while begin < len(row):
        end = begin + 1
        while end < len(row) and key(row[end]) == key(row[begin]):
            end += 1
        yield begin, end, key(row[begin])
        begin = end


def row_svg(row, top, shapes):
    for begin, end, (_, ground) in runs(row, colours):
        if ground != GROUND:
            shapes.add(ground, MARGIN + begin * CELL_WIDTH, top, (end - begin) * CELL_WIDTH, CELL_HEIGHT)
    for begin, end, (sign, (ink, _)) in runs(row, lambda cell: (cell.data if cell.data in BLOCKS else "", colours(cell))):
        if sign:
            upper, lower = BLOCKS[sign]
            height = (lower - upper) * CELL_HEIGHT
            shapes.add(ink, MARGIN + begin * CELL_WIDTH, top + upper * CELL_HEIGHT, (end - begin) * CELL_WIDTH, height)
    text = []
    for begin, end, (ink, bold, blank) in runs(
        row, lambda cell: (colours(cell)[0], cell.bold, cell.data in BLOCKS)
    ):
        written = "".join(cell.data for cell in row[begin:end]).rstrip()
        indent = len(written) - len(written.lstrip())
        written = written.strip()
        if not written or blank:
            continue
        x = MARGIN + (begin + indent) * CELL_WIDTH
        style = (f' fill="{ink}"' if ink != INK else "") + (' font-weight="bold"' if bold else "")
        text.append(
            f'<text x="{x}" y="{top + 13}" textLength="{len(written) * CELL_WIDTH}"{style}>{escape(written)}</text>'
        )
    return "".join(text)


class Rows:
    """Each row once, however many frames and lines show it."""

    def __init__(self):
        self.names = {}

    def use(self, row, line):
        shapes = Shapes()
        text = row_svg(row, 0, shapes)
        drawn = shapes.svg() + text
        if not drawn:
            return ""
        name = self.names.setdefault(drawn, f"r{len(self.names)}")
        return f'<use href="#{name}" y="{BAR + MARGIN + line * CELL_HEIGHT}"/>'

    def svg(self):
        return "<defs>" + "\n".join(f'<g id="{name}">{drawn}</g>' for drawn, name in self.names.items()) + "</defs>"


def cursor_svg(column, line):
    x, y = MARGIN + column * CELL_WIDTH, BAR + MARGIN + line * CELL_HEIGHT + 2
    return f'<rect x="{x}" y="{y}" width="{CELL_WIDTH}" height="{CELL_HEIGHT - 3}" fill="{BORDER}"/>'


def timing(seconds):
    """Shows frame after frame. Where nothing moves, the last one stands."""
    if len(seconds) == 1:
        return ""
    total, begin, rules = sum(seconds), 0.0, []
    for index, duration in enumerate(seconds):
        first, last = 100 * begin / total, 100 * (begin + duration) / total
        steps = f"0%{{visibility:hidden}}{first:.2f}%{{visibility:visible}}{last:.2f}%{{visibility:hidden}}"
        if index == 0:
            steps = f"0%{{visibility:visible}}{last:.2f}%{{visibility:hidden}}"
        if index == len(seconds) - 1:
            steps = f"0%{{visibility:hidden}}{first:.2f}%{{visibility:visible}}"
        rules.append(f"@keyframes k{index}{{{steps}}}#f{index}{{animation:k{index} {total:.1f}s step-end infinite}}")
        begin += duration
    moves = "".join(rules)
    return f".f{{visibility:hidden}}.last{{visibility:visible}}@media (prefers-reduced-motion:no-preference){{{moves}}}"


def picture(frames, columns, lines, title, description):
    """`frames` is a list of (rows, cursor, seconds)."""
    width = columns * CELL_WIDTH + 2 * MARGIN
    height = lines * CELL_HEIGHT + BAR + 2 * MARGIN
    body, known = [], Rows()
    for index, (rows, cursor, _) in enumerate(frames):
        last = " last" if index == len(frames) - 1 else ""
        lit = "".join(known.use(row, line) for line, row in enumerate(rows[:lines]))
        body.append(f'<g id="f{index}" class="f{last}">{lit}{cursor_svg(*cursor)}</g>')
    style = timing([seconds for _, _, seconds in frames])
    dots = "".join(f'<circle cx="{18 + 18 * dot}" cy="16" r="5" fill="{BORDER}"/>' for dot in range(3))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="t d">\n<title id="t">{escape(title)}</title>\n<desc id="d">{escape(description)}</desc>\n'
        f"<style>text{{white-space:pre;fill:{INK};font:13.3px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}}{style}</style>\n"
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="{GROUND}" stroke="{BORDER}"/>{dots}\n'
        + known.svg()
        + "\n"
        + "\n".join(body)
        + "\n</svg>\n"
    )
