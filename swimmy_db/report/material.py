"""What figures and the page are drawn from: rows of tables, pixels of galaxies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from swimmy_db.catalog import Catalog


class Pixels(NamedTuple):
    """Galaxies as the network sees them, (n, band, y, x) stretched flux in [0, 1], and what it makes of them."""

    cubes: np.ndarray
    reconstructions: np.ndarray


class PixelSource(Protocol):
    """Whoever has the cubes and the weights; the pipeline, which may use both."""

    def load(self, object_ids: Sequence[int], checkpoint_id: str) -> Pixels: ...

    def linear(self, object_id: int) -> np.ndarray: ...

    def layer_outputs(self, object_id: int, checkpoint_id: str) -> list[Any]: ...

    def holds(self, object_ids: Sequence[int]) -> set[int]: ...


@dataclass
class Material:
    """A finished workspace, open for reading.

    sample: whose figures these are; checkpoint_id, experiment: its published checkpoint. bands, selection_bands: in
    the cube's order. aperture_radius: pix, the disc of equation 6.
    """

    catalog: Catalog
    pixels: PixelSource
    sample: str
    checkpoint_id: str
    experiment: str
    bands: tuple[str, ...]
    selection_bands: tuple[str, ...]
    aperture_radius: float
    is_simulated: bool
    survey: str
    _columns: dict[str, set[str]] = field(default_factory=dict)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The table's rows of the sample, as they lie; none where the table is not made."""
        if not self.catalog.has(table):
            return []
        if "sample" not in self.columns(table):
            return self.catalog.arrow(f"from {table}").to_pylist()
        return self.catalog.arrow(f"from {table} where sample = ?", [self.sample]).to_pylist()

    def all_samples(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, as they lie; none where it is not made."""
        return self.catalog.arrow(f"from {table}").to_pylist() if self.catalog.has(table) else []

    def published(self, table: str) -> list[dict[str, Any]]:
        """As `rows`, of the published checkpoint only, and of no checkpoint in particular."""
        return [row for row in self.rows(table) if row.get("checkpoint_id") in (None, self.checkpoint_id)]

    def why_absent(self, table: str) -> str | None:
        """Why this survey cannot give a table of the paper (paper.availability); None where nobody says."""
        if not self.catalog.has("paper.availability"):
            return None
        said = "select reason from paper.availability where table_name = ? and not is_available order by item limit 1"
        return self.catalog.value(said, [table])

    def lacking(self, item: str) -> list[tuple[str, str]]:
        """Parts of a figure, `figure 13`, that this survey cannot give, and why: [("by GSWLC-2", "no ...")]."""
        if not self.catalog.has("paper.availability"):
            return []
        said = (
            "select item[len(whole) + 1 :], reason from paper.availability cross join (select ? as whole) "
            "where starts_with(item, whole) and not is_available order by item"
        )
        return self.catalog.rows(said, [f"{item}, "])

    def columns(self, table: str) -> set[str]:
        if table not in self._columns:
            found = self.catalog.rows(
                "select column_name from information_schema.columns where table_schema || '.' || table_name = ?",
                [table],
            )
            self._columns[table] = {name for (name,) in found}
        return self._columns[table]

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Bands shown as red, green and blue."""
        from swimmy_db.report.gallery import colour_bands

        return colour_bands(self.bands, self.selection_bands)
