"""Every colour, once, by its role, in dark and light."""

from dataclasses import dataclass, fields

SANS = "Inter, system-ui, 'Segoe UI', Roboto, sans-serif"


ROLES = (
    *("clear", "package", "die", "die_edge", "line", "strong", "on", "off", "red", "red_card"),
    *("free", "sm_idle", "text1", "text3", "weights1", "reserved"),
    *(f"sequence{number}" for number in range(8)),
)
WASH = 0.3  # share of red in what is there but does not fit


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by role; a colour means one thing on the page.

    Controls have no hue, so hue is left for memory: purple is weights, eight colours are sequences,
    red is saved or too much, grey is reserved. Blocks in use on the Paging page run from `in_use1`
    to `in_use2`.
    """

    name: str
    bg: str
    card: str
    raised: str
    line: str
    strong: str
    text1: str
    text2: str
    text3: str
    package: str
    die: str
    die_edge: str
    on: str
    knob: str
    off: str
    weights1: str
    weights2: str
    red: str
    red_text: str
    red_card: str
    reserved: str
    reserved_text: str
    tile: str
    tile_done: str
    tile_text: str
    free: str
    grid: str
    sm_idle: str
    in_use1: str
    in_use2: str
    sequences: tuple[str, ...]

    def colour(self, role: str) -> str:
        """Return the colour of a role; ``sequence0`` to ``sequence7`` are the sequences'."""
        if role.startswith("sequence"):
            return self.sequences[int(role.removeprefix("sequence"))]
        colour: str = getattr(self, role)
        return colour

    def palette(self) -> list[str]:
        """Return the colours of `ROLES`, for glyphs whose rows differ in role."""
        return ["#00000000", *(self.colour(role) for role in ROLES[1:])]

    def css(self) -> str:
        """Return the colours as CSS custom properties, ``--text1: #F1F5FB; ...``."""
        plain = [f for f in fields(self) if f.name not in ("name", "sequences")]
        rules = [f"--{f.name.replace('_', '-')}: {getattr(self, f.name)}" for f in plain]
        rules += [f"--seq{i}: {colour}" for i, colour in enumerate(self.sequences)]
        return "; ".join([*rules, f"color-scheme: {self.name}"])

    def page_palette(self) -> list[str]:
        """Return the raster's palette by cell code; a free cell lets the grid beneath show."""
        weights = [self.weights1, self.weights2]
        return ["#00000000", *weights, self.reserved, *self.sequences, self.red]

    def washed_palette(self) -> list[str]:
        """Return the page palette under a red wash: there, but without room; scores stay solid."""
        free, *held, scores = self.page_palette()
        return [free, *(mixed(colour, self.red, WASH) for colour in held), scores]

    def tile_palette(self) -> list[str]:
        """Return the colours of a square of scores by `Tile`."""
        return [
            *("#00000000", self.raised),
            self.tile_done + "66",
            self.tile_done,
            self.tile,
            self.red,
        ]


def mixed(colour: str, other: str, share: float) -> str:
    """Return a colour with a `share` of another in it."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a * (1 - share) + b * share):02X}" for a, b in pairs)


DARK = Theme(
    name="dark",
    bg="#0A0E14",
    card="#111720",
    raised="#171F2B",
    line="#232D3C",
    strong="#31405A",
    text1="#F1F5FB",
    text2="#B3BECF",
    text3="#8794A9",
    package="#0D131B",
    die="#151D29",
    die_edge="#3A4A63",
    on="#E9EFF8",
    knob="#0D131B",
    off="#2B3647",
    weights1="#7C4DFF",
    weights2="#6A3DE8",
    red="#FF4D5E",
    red_text="#FF8A93",
    red_card="#2A1218",
    reserved="#5A6478",
    reserved_text="#AEB8C8",
    tile="#3DDC97",
    tile_done="#1C5A45",
    tile_text="#6CE9B3",
    free="#141B27",
    grid="#1E2837",
    sm_idle="#263243",
    in_use1="#A855F7",
    in_use2="#EC4899",
    sequences=(
        "#62E6F6",
        "#EFF246",
        "#D674BC",
        "#379288",
        "#F1BD84",
        "#87A8FF",
        "#C9EFCD",
        "#9C6B16",
    ),
)

LIGHT = Theme(
    name="light",
    bg="#F3F5F9",
    card="#FFFFFF",
    raised="#EEF2F7",
    line="#DCE2EB",
    strong="#B8C3D3",
    text1="#0E1624",
    text2="#3E4B5F",
    text3="#5C6A80",
    package="#F7F9FC",
    die="#FFFFFF",
    die_edge="#A9B6C9",
    on="#1B2536",
    knob="#FFFFFF",
    off="#D3DAE5",
    weights1="#6C3EF0",
    weights2="#8A63F7",
    red="#E0263C",
    red_text="#C2182D",
    red_card="#FDECEE",
    reserved="#A3AEBF",
    reserved_text="#566277",
    tile="#0FA968",
    tile_done="#BFE9D5",
    tile_text="#0A7F4E",
    free="#E9EEF5",
    grid="#DBE2EC",
    sm_idle="#D5DDE8",
    in_use1="#A855F7",
    in_use2="#EC4899",
    sequences=(
        "#13B8EA",
        "#DAD323",
        "#B8579A",
        "#1B5F58",
        "#E0914F",
        "#4E80FB",
        "#ACECBC",
        "#5E2F0B",
    ),
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}

# The heat map's ramp, the same on both themes: (share of the range, colour), and the texts on it.
RAMP = ((0.0, "#12303B"), (0.45, "#175A70"), (0.72, "#3BA9C6"), (1.0, "#B0F2FF"))
INKS = ("#FFFFFF", "#060A10")
